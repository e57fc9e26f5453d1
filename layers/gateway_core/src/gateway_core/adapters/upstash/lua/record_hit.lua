-- After a hit of the response cache, which cost nothing: write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, counters, records, projects, hit.
-- ARGV the request, the books. Reply 1 if the record was written, "!" and why where there is no room for it.
want_counters()
fetch()

local wait = redis.call('GETDEL', KEYS[8])
if not wait then return 0 end
local full = append_record()
if full then
  redis.call('SET', KEYS[8], wait, 'EX', RECORDS_TTL_S)
  return '!' .. full
end
flush_with_counters()
return 1
