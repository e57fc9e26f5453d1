-- At the end of a request: settle its last attempt, write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, counters, records, projects, provider.
-- ARGV the request, the policy, the attempt, the books. Reply 1 if the record was written.
want_attempt()
want_counters()
fetch()

-- Frees the hold of an attempt that was admitted by a `next` whose answer got lost: it was never made.
local function void_next()
  local unused = parse_hold(get(BUDGET, NEXT))
  if not unused then return false end
  move({spend = 0, spend_tokens = 0, hold = -unused.nano, hold_tokens = -unused.tokens})
  drop(BUDGET, NEXT)
  return true
end

local function resolve_unconfirmed()
  if attempt.unconfirmed == 0 and (get(BUDGET, OPEN) or get(BUDGET, LOOSE)) then settle_money() end
end

local m = mark()
local is_open = m.kind ~= 'c' and (get(BUDGET, OPEN) or is_new_degraded())
if is_open then
  settle_attempt()
else
  resolve_unconfirmed()
  local was_voided = m.kind ~= 'c' and void_next()
  if not was_voided and (not m.kind or m.kind == 'c' or m.attempt ~= attempt.number) then
    flush()
    return 0
  end
end

if attempt.generation == DEGRADED or m.kind == 'd' then
  keep(BUDGET)
  set(BUDGET, MARK, 'c')
else
  drop(BUDGET, MARK)
end
flush_with_record()
return 1
