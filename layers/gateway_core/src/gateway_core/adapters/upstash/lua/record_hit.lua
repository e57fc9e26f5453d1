-- After a hit of the response cache, which cost nothing: write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects, hit.
-- ARGV the request, the books. Reply as of `settle`.
want_counters()
fetch()

if redis.call('DEL', KEYS[7]) == 0 then return '0' end
return '1' .. flush_with_record()
