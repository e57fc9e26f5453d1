-- At the end of a request: settle its last attempt, write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects, provider.
-- ARGV the request, the policy, the attempt, the books. Reply "1" if the record was written, else "0", with what the books tell and
-- with its changes.
want_attempt()
want_counters()
fetch()

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

if attempt.generation == DEGRADED or m.kind == 'd' or reported() ~= '' then
  keep(BUDGET)
  set(BUDGET, MARK, 'c' .. reported())
else
  drop(BUDGET, MARK)
end
local told = flush_with_record()
return '1' .. told .. reported()
