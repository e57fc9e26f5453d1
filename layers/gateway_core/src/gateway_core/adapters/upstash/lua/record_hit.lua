-- After a hit of the response cache, which cost nothing: write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, counters, records, projects, hit.
-- ARGV the request, the books. Reply 1 if the record was written.
want_counters()
fetch()

if redis.call('DEL', KEYS[8]) == 0 then return 0 end
flush_with_record()
return 1
