-- At the end of a request: settle its last attempt, write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects, deployments.
-- ARGV the request, the policy, the news, the attempt, the books. Reply "1" if the record was written, else "0", with what
-- the books tell and its changes.
-- Or nothing is changed: "b" and the number of an attempt whose booking as an estimate has to be taken back before; "l"
-- for a charge that became known when the request had gone on, to be corrected by `adjust`.
want_news()
want_attempt()
want_counters()
fetch()
hear_news()

if is_in_the_way() or (get(BUDGET, BOOKED) and attempt.unconfirmed == 0) then return 'b' .. show(attempt.number) end
local m, held = mark(), ''
local is_unsettled = get(BUDGET, UNSETTLED) or is_new_degraded()
if is_unsettled and m.kind ~= 'c' then
  held = settle_attempt()
else
  local is_late = attempt.unconfirmed == 0 and (get(BUDGET, UNSETTLED) or get(BUDGET, UNCONFIRMED))
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

if attempt.generation == DEGRADED or m.kind == 'd' or reported() ~= '' then
  keep(BUDGET)
  set(BUDGET, MARK, 'c' .. reported())
else
  drop(BUDGET, MARK)
end
local told = flush_with_record()
return '1' .. told .. held .. reported()
