-- At the end of a request: settle its last attempt, write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects, deployments.
-- ARGV the request, the policy, the news, the attempt, the books. Reply "1" if the record was written, else "0", with what
-- the books tell and its changes.
-- Or nothing is changed: "b" and the number of an attempt whose booking as an estimate has to be taken back before; "l"
-- for a charge that became known when the request had gone on, to be corrected by `adjust`.
-- Or "!" and why where there is no room for the record, with what is to be told as news: the money is right, and a copy
-- writes the record once there is room.
want_news()
want_attempt()
want_counters()
fetch_attempt()
hear_news()

if is_in_the_way() or (get(BUDGET, BOOKED) and not attempt.unconfirmed) then return 'b' .. show(attempt.number) end
local m, held = mark(), ''
local is_unsettled = get(BUDGET, UNSETTLED) or is_new_degraded()
if is_unsettled and m.kind ~= 'c' then
  held = settle_attempt()
else
  local is_late = not attempt.unconfirmed and (get(BUDGET, UNSETTLED) or get(BUDGET, UNCONFIRMED))
  if m.attempt ~= attempt.number then
    if is_late then return 'l' end
    flush()
    local is_closed = not m.kind or m.kind == 'c'
    return '0' .. (is_closed and m.told or '')
  end
  if is_booked_open(attempt.number + 1) then return 'b' .. show(attempt.number + 1) end
  if is_late then settle_money() end
  earlier = m.told
  void(attempt.number + 1)
end

local is_degraded = attempt.generation == DEGRADED or m.kind == 'd'
local full = append_record()
if full then
  keep(BUDGET)
  set(BUDGET, MARK, (is_degraded and 'd' or 'r') .. show(attempt.number) .. reported())
  flush()
  return '!' .. full .. held
end
if is_degraded or reported() ~= '' then
  keep(BUDGET)
  set(BUDGET, MARK, 'c' .. reported())
else
  drop(BUDGET, MARK)
end
return '1' .. flush_with_counters() .. held .. reported()
