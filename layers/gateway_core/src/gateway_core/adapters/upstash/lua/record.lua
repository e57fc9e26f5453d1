-- At the end of a request of which nothing is held: write the record and the counters, exactly once.
-- KEYS budget of the project, budget of the key's project, project, key's project, records, projects.
-- ARGV the request, the books, the number of attempts. Reply as of `settle`, "b" too.
local attempts = tonumber(ARGV[at + 1])
want_accounts()
want(BUDGET, EMPTIED, MARK, hold_field('h', attempts + 1), hold_field('e', attempts + 1))
want_counters()
fetch()

local m = mark()
if m.kind == 'c' or not m.kind then return '0' end
if is_booked_open(attempts + 1) then return 'b' .. show(attempts + 1) end
void(attempts + 1)
local full = append_record()
if full then return '!' .. full end
if m.kind == 'r' then
  drop(BUDGET, MARK)
else
  keep(BUDGET)
  set(BUDGET, MARK, 'c')
end
return '1' .. flush_with_counters()
