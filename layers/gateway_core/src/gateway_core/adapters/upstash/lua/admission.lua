-- Admitting one of several candidates: all checks of those up to the first that can start at once, then the writes for
-- the one chosen.

local admission = {max_wait = tonumber(ARGV[at + 1]), due_before = tonumber(ARGV[at + 2]), projects = tonumber(ARGV[at + 3])}
local candidates = {}
at = at + 4
for i = 1, tonumber(ARGV[at]) do
  candidates[i] = {
    index = i - 1, provider = ARGV[at + 1], deployment = ARGV[at + 2], nano = tonumber(ARGV[at + 3]),
    tokens = tonumber(ARGV[at + 4]), rpm = tonumber(ARGV[at + 5]), tpm = tonumber(ARGV[at + 6]),
    likely = tonumber(ARGV[at + 7]),
  }
  at = at + 7
end

local function want_admission()
  want_accounts()
  want(BUDGET, ADMISSIONS)
  want(PROJECT, 'b|p', 'due')
  if ticket.user ~= '' then want(PROJECT, 'b|u:' .. ticket.user) end
  want(KEY_PROJECT, KEY_FIELD, KEY_RPM, KEY_TPM, KEY_DEBT)
  for _, candidate in ipairs(candidates) do
    local provider, deployment = candidate.provider, candidate.deployment
    want(DEPLOYMENTS, field_of('cb', provider, deployment), field_of('rl', provider, deployment))
    if candidate.rpm > 0 then want(DEPLOYMENTS, 'rq|' .. provider) end
    if candidate.tpm > 0 then want(DEPLOYMENTS, 'tk|' .. provider, 'td|' .. provider) end
  end
end

-- What is left of each limit of each scope, in the order of LIMITS, and the least of them: once for all candidates.
local function lefts_of(budgets)
  local lefts, room, room_tokens = {}, MAX_AMOUNT, MAX_AMOUNT
  for i = 1, #scopes do
    local scope, limits = scopes[i], budgets[i]
    local day, month = account(scope[1], scope[4]), account(scope[1], scope[3])
    local left = {
      (limits.day_nano or MAX_AMOUNT) - day.nano - day.held, (limits.month_nano or MAX_AMOUNT) - month.nano - month.held,
      (limits.day_tokens or MAX_AMOUNT) - day.tokens - day.held_tokens,
      (limits.month_tokens or MAX_AMOUNT) - month.tokens - month.held_tokens,
    }
    for k = 1, 2 do if left[k] < room then room = left[k] end end
    for k = 3, 4 do if left[k] < room_tokens then room_tokens = left[k] end end
    lefts[i] = left
  end
  return {lefts = lefts, room = room, room_tokens = room_tokens}
end

-- The first limit that the candidate's hold would break, and the shortage: "limit,left,held,room nano,room tokens".
local function over_budget(candidate, budgets, left)
  if candidate.nano <= left.room and candidate.tokens <= left.room_tokens then return nil end
  for i, scope in ipairs(scopes) do
    local day, month = account(scope[1], scope[4]), account(scope[1], scope[3])
    local held = {day.held, month.held, day.held_tokens, month.held_tokens}
    for k = 1, 4 do
      local rest = left.lefts[i][k]
      if (k > 2 and candidate.tokens or candidate.nano) > rest then
        local limit = budgets[i][LIMITS[k]] or MAX_AMOUNT
        return scope[2] .. ':' .. LIMITS[k],
               table.concat({show(limit), show(math.max(0, rest)), show(held[k]), show(math.max(0, left.room)),
                             show(math.max(0, left.room_tokens))}, ',')
      end
    end
  end
end

-- The places that a candidate takes in buckets if it is chosen, and for which of them it has to wait longest.
local function places_for(candidate, limits)
  local places, provider, rpm, tpm = {wait = 0, slowest = ''}, candidate.provider, limits.rpm or 0, limits.tpm or 0
  if candidate.rpm + candidate.tpm + rpm + tpm == 0 then return places end
  local function book_place(key, field, units, per_minute, name, debt)
    if per_minute == 0 then return end
    local before, owed = rates().arrival_of(key, field, debt)
    local arrival, delay = rates().reserve(before, units, per_minute)
    places[#places + 1] = {key, field, show(arrival)}
    if owed > 0 then places[#places + 1] = {key, debt, show(rates().debt_after(arrival, owed))} end
    if places.slowest == '' or delay > places.wait then places.wait, places.slowest = delay, name end
  end
  book_place(DEPLOYMENTS, 'rq|' .. provider, 1, candidate.rpm, 'provider:rpm')
  book_place(DEPLOYMENTS, 'tk|' .. provider, candidate.tokens, candidate.tpm, 'provider:tpm', 'td|' .. provider)
  book_place(KEY_PROJECT, KEY_RPM, 1, rpm, KEY_SCOPE .. ':rpm')
  book_place(KEY_PROJECT, KEY_TPM, candidate.tokens, tpm, KEY_SCOPE .. ':tpm', KEY_DEBT)
  return places
end

-- What is known of a candidate's deployment with it inside, nil while that is nothing; it may have to wait there, too.
local function known_with(candidate, places)
  local known = provider_limits_of(candidate.provider, candidate.deployment, ticket.now)
  if not known then return nil end
  local opens, take = math.max(ticket.now, known.till), reported_limits().take
  for _, delay in ipairs({
    {'deployment:reset', opens - ticket.now},
    {'deployment:rpm', take(known.requests, 1, opens)},
    {'deployment:tpm', take(known.tokens, candidate.likely, opens)},
  }) do
    if places.slowest == '' or delay[2] > places.wait then places.wait, places.slowest = delay[2], delay[1] end
  end
  return known
end

-- Budget before rate before open: a later line overrules an earlier one.
local function assess(candidate, budgets, left)
  local places = places_for(candidate, budgets[2])
  local known = known_with(candidate, places)
  local wait, slowest = places.wait, places.slowest
  local b = breaker(candidate.provider, candidate.deployment)
  local closed = b.state ~= 'c' and math.max(0, b.till - ticket.now) or 0
  local refusal
  if closed > 0 then refusal = {'open', b.state == 'h' and 'probe' or '', math.max(closed, wait)} end
  if wait > admission.max_wait then
    -- Most probes end long before their lease does: it does not put the limit's moment off.
    refusal = {'rate', slowest, b.state == 'h' and wait or math.max(closed, wait)}
  end
  local over, shortage = over_budget(candidate, budgets, left)
  if over then refusal = {'budget', over, 0, shortage} end
  return {candidate = candidate, places = places, known = known, wait = wait, refused = refusal ~= nil,
          reason = refusal or {'rate', slowest, wait}}
end

-- The first that can start at once, else the one with the shortest wait; nil if none can. With those judged till then.
local function choose(budgets)
  local assessments, left, chosen = {}, lefts_of(budgets), nil
  for i = 1, #candidates do
    local assessment = assess(candidates[i], budgets, left)
    assessments[i] = assessment
    if not assessment.refused and (not chosen or assessment.wait < chosen.wait) then
      chosen = assessment
      if chosen.wait == 0 then break end
    end
  end
  return chosen, assessments
end

-- "index,reason,scope,retry after" of those that were passed over, each after a semicolon; a shortage follows.
local function explain(assessments, chosen)
  if chosen == assessments[1] and not assessments[2] then return '' end
  local parts = {}
  for _, assessment in ipairs(assessments) do
    local index = assessment.candidate.index
    if assessment ~= chosen and (not chosen or chosen.wait > 0 or index < chosen.candidate.index) then
      local reason, scope, retry_after, shortage = unpack(assessment.reason)
      parts[#parts + 1] = ';' .. table.concat({show(index), reason, scope, show(retry_after), shortage}, ',')
    end
  end
  return table.concat(parts)
end

-- Lets the chosen one through the breaker: as the probe if that is not closed.
local function pass(candidate, wait)
  local b = breaker(candidate.provider, candidate.deployment)
  if b.state == 'c' then return b.generation, 0 end
  b.state, b.since, b.till, b.generation = 'h', ticket.now, ticket.now + wait + policy.lease, b.generation + 1
  put_breaker(candidate.provider, candidate.deployment, b)
  report_breaker(candidate.provider, candidate.deployment, b)
  return b.generation, 1
end

-- What the hold keeps of the limits, see `limits_of`: nothing where there are none, but for a user's sake.
local function kept_limits(budgets)
  local parts, is_set = {}, #budgets == 3
  for _, limits in ipairs(budgets) do
    for i = 1, 4 do is_set = is_set or limits[LIMITS[i]] ~= nil end
  end
  if not is_set then return '' end
  for _, limits in ipairs(budgets) do
    for i = 1, 4 do parts[#parts + 1] = limits[LIMITS[i]] and show(limits[LIMITS[i]]) or '' end
  end
  return table.concat(parts, ',')
end

local function book(chosen, attempt, answer, budgets, serial)
  local candidate, known = chosen.candidate, chosen.known
  set(BUDGET, ADMISSIONS, show(serial))
  if known then reported_limits().put(candidate.provider, candidate.deployment, known) end
  for _, place in ipairs(chosen.places) do set(place[1], place[2], place[3]) end
  move({spend = 0, spend_tokens = 0, hold = candidate.nano, hold_tokens = candidate.tokens})
  -- Whoever looks for holds that nobody settled has to know of the project, though none of its requests has ended yet.
  if hashes[BUDGET].expire then later('SADD', KEYS[admission.projects], string.sub(PROJECT, 5)) end
  set(BUDGET, hold_field('h', attempt), show_hold({
    nano = candidate.nano, tokens = candidate.tokens, limits = kept_limits(budgets),
    key_rpm = budgets[2].rpm or 0, key_tpm = budgets[2].tpm or 0,
    sequence = known and known.requests.count or 0, token_sequence = known and known.tokens.count or 0,
    who = string.format('%s;%.0f;%s;%s', ticket.day, ticket.now, ticket.key, ticket.user),
    paid = 0, paid_tokens = 0, answer = answer,
  }))
end

-- The limits of each scope that the request counts against.
local function budgets_of(limits)
  local function budget_of(field)
    local text = get(PROJECT, field)
    return text and parse_limits(text, 4, 'budget ' .. field .. ' of ' .. PROJECT) or {}
  end
  local user = USER and budget_of('b|' .. USER[2]) or {}
  count_user(next(user) ~= nil or has_user_account())
  return {budget_of('b|p'), limits, scopes[3] and user}
end

-- Replies: "+index,attempt,generation,probe,wait,limited,serial;refusal..." admitted, "-;refusal..." refused, "!" stale caller,
-- each with its changes.
local function admit(attempt)
  local limits = key_limits()
  if not limits then return '!' .. reported() end
  local budgets = budgets_of(limits)
  local chosen, assessments = choose(budgets)
  if not chosen then return '-' .. explain(assessments, nil) .. reported() end
  local generation, probe = pass(chosen.candidate, chosen.wait)
  local known, serial, limited = get(BUDGET, ADMISSIONS) or '0', nil, 0
  if not string.match(known, '^%d+$') then unreadable(ADMISSIONS .. ' of ' .. BUDGET) end
  serial = tonumber(known) + 1
  for _, set_limits in ipairs(budgets) do
    if next(set_limits) then limited = 1 end
  end
  local answer = string.format('+%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f', chosen.candidate.index, attempt, generation, probe,
                               chosen.wait, limited, serial)
    .. explain(assessments, chosen) .. reported()
  book(chosen, attempt, answer, budgets, serial)
  return answer
end

-- The answer for a message that comes after the request was closed.
local function over()
  local parts = {'-'}
  for _, candidate in ipairs(candidates) do
    parts[#parts + 1] = ';' .. show(candidate.index) .. ',open,closed,0'
  end
  return table.concat(parts)
end

-- What an earlier run of the same admission answered.
local function answered(attempt)
  local booked = get(BUDGET, hold_field('e', attempt))
  local text = get(BUDGET, hold_field('h', attempt)) or get(BUDGET, hold_field('x', attempt))
    or booked and string.sub(booked, 2)
  return text and parse_hold(text).answer
end

-- Said behind an answer, and not kept with it: some attempts of the project are to be booked as estimates.
local function told_due()
  local due = tonumber(get(PROJECT, 'due') or '')
  return due and due <= admission.due_before and '|due' or ''
end
