-- Between a failed attempt and its fallback: settle the one, admit the other.
-- KEYS budget of the project, budget of the key's project, project, key's project, then deployments.
-- ARGV the request, the policy, the news, the attempt, the admission. Replies: see `admit`, or "b" and the number of an attempt
-- whose booking as an estimate has to be taken back before; nothing is changed then.
want_news()
want_attempt()
want_admission()
fetch_attempt()
hear_news()

local again = answered(attempt.number + 1)
if again then
  flush()
  return again
end

if is_in_the_way() then return 'b' .. show(attempt.number) end
local m = mark()
local is_unsettled = get(BUDGET, UNSETTLED) or is_new_degraded()
if is_unsettled and m.kind ~= 'c' then
  settle_attempt()
elseif m.attempt ~= attempt.number then
  flush()
  return over()
else
  earlier = m.told
end

local settled = reported()
local answer = admit(attempt.number + 1)
local kind = (attempt.generation == DEGRADED or m.kind == 'd') and 'd' or 'r'
keep(BUDGET)
set(BUDGET, MARK, kind .. show(attempt.number) .. settled)
flush()
return answer
