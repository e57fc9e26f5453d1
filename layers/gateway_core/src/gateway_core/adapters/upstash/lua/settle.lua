-- At the end of a request: settle its last attempt, write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, counters, records, projects, provider.
-- ARGV the request, the policy, the attempt, the books. Reply "1" if the record was written, else "0", with its changes;
-- "!" and why where there is no room for the record: the money is right, and a copy writes it once there is.
want_attempt()
want_counters()
fetch_attempt()

local m = mark()
local is_unsettled = get(BUDGET, UNSETTLED) or is_new_degraded()
if is_unsettled and m.kind ~= 'c' then
  settle_attempt()
else
  -- A charge that becomes known late corrects the money, whether or not the request is closed.
  if attempt.unconfirmed == 0 and (get(BUDGET, UNSETTLED) or get(BUDGET, UNCONFIRMED)) then settle_money() end
  if m.attempt ~= attempt.number then
    local is_closed, corrected = not m.kind or m.kind == 'c', reported()
    if is_closed and corrected ~= '' then set(BUDGET, MARK, 'c' .. corrected) end
    flush()
    if is_closed and corrected == '' then return '0' .. m.told end
    return '0' .. corrected
  end
  earlier = m.told
  void(attempt.number + 1)
end

local is_degraded = attempt.generation == DEGRADED or m.kind == 'd'
local full = append_record()
if full then
  keep(BUDGET)
  set(BUDGET, MARK, (is_degraded and 'd' or 'r') .. show(attempt.number) .. reported())
  flush()
  return '!' .. full
end
if is_degraded or reported() ~= '' then
  keep(BUDGET)
  set(BUDGET, MARK, 'c' .. reported())
else
  drop(BUDGET, MARK)
end
flush_with_counters()
return '1' .. reported()
