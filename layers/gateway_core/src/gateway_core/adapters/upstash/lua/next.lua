-- Between a failed attempt and its fallback: settle the one, admit the other.
-- KEYS budget of the project, budget of the key's project, project, key's project, then providers.
-- ARGV the request, the policy, the attempt, the admission. Replies: see `admit`.
want_attempt()
want_admission()
fetch()

local again = answered(attempt.number + 1)
if again then return again end

local m = mark()
local is_settled = m.kind and m.kind ~= 'c' and m.attempt == attempt.number
if get(BUDGET, OPEN) or (not is_settled and is_new_degraded()) then
  settle_attempt()
elseif not is_settled then
  return over()
end

local answer = admit(attempt.number + 1)
if attempt.generation == DEGRADED or m.kind == 'd' then
  keep(BUDGET)
  set(BUDGET, MARK, 'd' .. show(attempt.number))
elseif string.sub(answer, 1, 1) == '+' then
  drop(BUDGET, MARK)
else
  set(BUDGET, MARK, 'r' .. show(attempt.number))
end
flush()
return answer
