-- Before the first provider call: admit one candidate.
-- KEYS budget of the project, budget of the key's project, project, key's project, then deployments.
-- ARGV the request, the policy, the news, the admission. Replies: see `admit`.
want_news()
want_admission()
want(BUDGET, hold_field('h', 1), hold_field('x', 1), hold_field('e', 1), MARK)
fetch()
hear_news()

local again = answered(1)
if again or mark().kind then
  flush()
  return again or over()
end
local answer = admit(1)
flush()
return answer .. told_due()
