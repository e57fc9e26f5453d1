-- After a hit of the response cache, which cost nothing: write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects, hit.
-- ARGV the request, the books. Reply as of `settle`.
want_counters()
fetch()

local wait = redis.call('GETDEL', KEYS[7])
if not wait then return '0' end
local full = append_record()
if full then
  redis.call('SET', KEYS[7], wait, 'EX', RECORDS_TTL_S)
  return '!' .. full
end
return '1' .. flush_with_counters()
