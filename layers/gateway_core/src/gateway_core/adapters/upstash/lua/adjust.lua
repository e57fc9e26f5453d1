-- Moves the money of one hold without a request: it is booked as an estimate, that is taken back, an operator or a late
-- settlement resolves it. What moves is reckoned by gateway_core/store/budget.py; here it is made sure that the hold is
-- what that was reckoned from.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects, index.
-- ARGV the request, the books, then as below. Reply "" if the hold is another by now, else "1" with the changes.
local step = {
  attempt = tonumber(ARGV[at + 1]), from = ARGV[at + 2], expected = ARGV[at + 3], to = ARGV[at + 4], value = ARGV[at + 5],
  spend = tonumber(ARGV[at + 6]), spend_tokens = tonumber(ARGV[at + 7]), hold = tonumber(ARGV[at + 8]),
  hold_tokens = tonumber(ARGV[at + 9]), estimate = tonumber(ARGV[at + 10]), estimate_tokens = tonumber(ARGV[at + 11]),
  writes = tonumber(ARGV[at + 12]), tells = tonumber(ARGV[at + 13]), is_late = tonumber(ARGV[at + 14]),
  counted_from = tonumber(ARGV[at + 15]),
}
local INDEX, FROM = KEYS[7], hold_field(step.from, step.attempt)
want_accounts()
want_estimates()
want(BUDGET, FROM, MARK)
want(PROJECT, 'due')
want_counters()
fetch()

local text = get(BUDGET, FROM)
if text ~= step.expected then return '' end
local of = parse_hold(step.from == 'e' and string.sub(text, 2) or text).limits
local limits = step.tells == 1 and of or nil
move({spend = step.spend, spend_tokens = step.spend_tokens, hold = step.hold, hold_tokens = step.hold_tokens,
      estimate = step.estimate, estimate_tokens = step.estimate_tokens, limits = limits, of = of})
drop(BUDGET, FROM)
if step.to ~= '' then set(BUDGET, hold_field(step.to, step.attempt), step.value) end
if step.to == 'x' then
  await_booking(INDEX, step.attempt, step.counted_from)
elseif step.from == 'x' then
  later('ZREM', INDEX, index_name(step.attempt))
end

-- A late settlement that changed something leaves a mark, for a copy to tell it again.
local m, told = mark(), reported()
local is_closed = not m.kind or m.kind == 'c'
if step.is_late == 1 and is_closed then
  if told ~= '' then set(BUDGET, MARK, 'c' .. told) else told = m.told end
end
-- After all that may be unreadable: what is appended stays.
local full = step.writes == 1 and append_record()
if full then return redis.error_reply(full) end
if step.writes == 1 then flush_with_counters() else flush() end
return '1' .. told
