-- Looks up an answer that was kept for an equal request. A hit is to be recorded, and takes its place among the key's
-- requests a minute; a miss changes nothing.
-- KEYS budget of the project, budget of the key's project, project, key's project, answer, hit.
-- ARGV the request, the longest wait, whether the caller has the answer, for how many seconds the hit may be recorded.
-- Replies: "+wait;answer" a hit, "" a miss, "-wait" too many requests a minute, "!" stale caller.
local ANSWER, HIT = KEYS[5], KEYS[6]
local asked = {max_wait = tonumber(ARGV[at + 1]), has_answer = tonumber(ARGV[at + 2]), life = ARGV[at + 3]}
want(KEY_PROJECT, KEY_FIELD, KEY_RPM)
fetch()

local limits = key_limits()
if not limits then return '!' end
local answer = asked.has_answer == 1 and '' or redis.call('GET', ANSWER)
if not answer then return '' end

local arrival, wait = nil, 0
if (limits.rpm or 0) > 0 then arrival, wait = rates().reserve(rates().arrival_of(KEY_PROJECT, KEY_RPM), 1, limits.rpm) end
local is_late = wait > asked.max_wait
if is_late or not redis.call('SET', HIT, show(wait), 'NX', 'EX', asked.life) then
  -- A copy answers what the first one did.
  local told = redis.call('GET', HIT)
  if told then return '+' .. told .. ';' .. answer end
  flush()
  return '-' .. show(wait)
end
if arrival then set(KEY_PROJECT, KEY_RPM, show(arrival)) end
flush()
return '+' .. show(wait) .. ';' .. answer
