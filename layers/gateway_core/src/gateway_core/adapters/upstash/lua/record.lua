-- At the end of a request of which nothing is held: write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, counters, records, projects.
-- ARGV the request, whether it was ever admitted, the books. Reply 1 if the record was written.
local was_admitted = read('#value').value == 1
want(BUDGET, MARK, 'p|M')
want_counters()
fetch()

local m = mark()
if m.kind == 'c' or (not m.kind and was_admitted) then return 0 end
if m.kind == 'r' then
  drop(BUDGET, MARK)
else
  keep(BUDGET)
  set(BUDGET, MARK, 'c')
end
flush_with_record()
return 1
