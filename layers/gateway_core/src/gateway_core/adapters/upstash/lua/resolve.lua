-- An operator's decision on a hold: release it, spend the charge instead.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects.
-- ARGV the request, the attempt's number and charge, the books. Reply 1 if there was such a hold.
local decision = read('#attempt', '#charge', '#charge_tokens')
local UNSETTLED, UNCONFIRMED = hold_field('h', decision.attempt), hold_field('x', decision.attempt)
want_accounts()
want(BUDGET, UNSETTLED, UNCONFIRMED)
want_counters()
fetch()

local hold = parse_hold(get(BUDGET, UNSETTLED) or get(BUDGET, UNCONFIRMED))
if not hold then return 0 end
move({spend = decision.charge, spend_tokens = decision.charge_tokens, hold = -hold.nano, hold_tokens = -hold.tokens})
drop(BUDGET, UNSETTLED)
drop(BUDGET, UNCONFIRMED)
if decision.charge + decision.charge_tokens > 0 then
  flush_with_record()
else
  flush()
end
return 1
