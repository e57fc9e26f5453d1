-- Admitting one of several candidates: all checks of all of them, then the writes for the one chosen.

local admission = read('#max_wait', '#due_before', '#projects', '#candidates')
local candidates = {}
for i = 1, admission.candidates do
  local candidate = read('provider', 'deployment', '#nano', '#tokens', '#rpm', '#tpm', '#likely')
  candidate.index = i - 1
  candidates[i] = candidate
end

local function want_admission()
  want_accounts()
  want(BUDGET, ADMISSIONS)
  want(PROJECT, 'b|p')
  if ticket.user ~= '' then want(PROJECT, 'b|u:' .. ticket.user) end
  want(PROJECT, 'due')
  want(KEY_PROJECT, KEY_FIELD, KEY_RPM, KEY_TPM, KEY_DEBT)
  for _, candidate in ipairs(candidates) do
    local provider, deployment = candidate.provider, candidate.deployment
    want(DEPLOYMENTS, field_of('cb', provider, deployment), field_of('rl', provider, deployment))
    if candidate.rpm > 0 then want(DEPLOYMENTS, 'rq|' .. provider) end
    if candidate.tpm > 0 then want(DEPLOYMENTS, 'tk|' .. provider, 'td|' .. provider) end
  end
end

-- How each limit of each scope stands, once for all candidates: its name, itself, what is left of it and what is held.
local function budget_lines(budgets)
  local lines = {}
  for i, scope in ipairs(scopes) do
    local day, month = account(scope[1], scope[2] .. DAY), account(scope[1], scope[2] .. MONTH)
    local used = {{day.nano, day.held}, {month.nano, month.held}, {day.tokens, day.held_tokens}, {month.tokens, month.held_tokens}}
    for k = 1, 4 do
      local limit = budgets[i][LIMITS[k]] or MAX_AMOUNT
      lines[#lines + 1] = {scope[2] .. ':' .. LIMITS[k], limit, limit - used[k][1] - used[k][2], used[k][2], k > 2}
    end
  end
  return lines
end

-- The first limit that the candidate's hold would break, and the shortage: "limit,left,held,room nano,room tokens".
local function over_budget(candidate, lines)
  for _, line in ipairs(lines) do
    if (line[5] and candidate.tokens or candidate.nano) > line[3] then
      local room, room_tokens = MAX_AMOUNT, MAX_AMOUNT
      for _, other in ipairs(lines) do
        if other[5] then room_tokens = math.min(room_tokens, other[3]) else room = math.min(room, other[3]) end
      end
      return line[1], table.concat({show(line[2]), show(math.max(0, line[3])), show(line[4]), show(math.max(0, room)),
                                    show(math.max(0, room_tokens))}, ',')
    end
  end
  return nil
end

local function bookings(candidate, limits)
  local key_scope = scopes[2][2]
  local wanted = {
    {DEPLOYMENTS, 'rq|' .. candidate.provider, 1, candidate.rpm, 'provider:rpm'},
    {DEPLOYMENTS, 'tk|' .. candidate.provider, candidate.tokens, candidate.tpm, 'provider:tpm', 'td|' .. candidate.provider},
    {KEY_PROJECT, KEY_RPM, 1, limits.rpm or 0, key_scope .. ':rpm'},
    {KEY_PROJECT, KEY_TPM, candidate.tokens, limits.tpm or 0, key_scope .. ':tpm', KEY_DEBT},
  }
  local booked, wait, slowest = {}, 0, ''
  for _, bucket in ipairs(wanted) do
    if bucket[4] > 0 then
      local before, owed = arrival_of(bucket[1], bucket[2], bucket[6])
      local arrival, delay = reserve(before, bucket[3], bucket[4])
      booked[#booked + 1] = {bucket[1], bucket[2], show(arrival)}
      if owed > 0 then booked[#booked + 1] = {bucket[1], bucket[6], show(debt_after(arrival, owed))} end
      if slowest == '' or delay > wait then wait, slowest = delay, bucket[5] end
    end
  end
  return booked, wait, slowest
end

-- The known of a candidate's deployment with it inside, and each wait there; nil and none while nothing is known of it.
local function place(candidate)
  local known = provider_limits_of(candidate.provider, candidate.deployment, ticket.now)
  if not known then return nil, {} end
  local opens = math.max(ticket.now, known.till)
  return known, {
    {'deployment:reset', opens - ticket.now},
    {'deployment:rpm', take(known.requests, 1, opens)},
    {'deployment:tpm', take(known.tokens, candidate.likely, opens)},
  }
end

-- Budget before rate before open: a later line overrules an earlier one.
local function assess(candidate, budgets, lines)
  local booked, wait, slowest = bookings(candidate, budgets[2])
  local known, delays = place(candidate)
  for _, delay in ipairs(delays) do
    if slowest == '' or delay[2] > wait then wait, slowest = delay[2], delay[1] end
  end
  local b = breaker(candidate.provider, candidate.deployment)
  local closed = b.state ~= 'c' and math.max(0, b.till - ticket.now) or 0
  local refusal
  if closed > 0 then refusal = {'open', b.state == 'h' and 'probe' or '', math.max(closed, wait)} end
  if wait > admission.max_wait then
    -- Most probes end long before their lease does: it does not put the limit's moment off.
    refusal = {'rate', slowest, b.state == 'h' and wait or math.max(closed, wait)}
  end
  local over, shortage = over_budget(candidate, lines)
  if over then refusal = {'budget', over, 0, shortage} end
  return {candidate = candidate, booked = booked, known = known, wait = wait, refused = refusal ~= nil,
          reason = refusal or {'rate', slowest, wait}}
end

local function choose(assessments)
  local chosen
  for _, assessment in ipairs(assessments) do
    if not assessment.refused and (not chosen or assessment.wait < chosen.wait) then chosen = assessment end
  end
  return chosen
end

-- "index,reason,scope,retry after" of those that were passed over, each after a semicolon; a shortage follows.
local function explain(assessments, chosen)
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

-- What the hold keeps of the limits, see `limits_of`.
local function kept_limits(budgets)
  local parts, is_set = {}, false
  for _, limits in ipairs(budgets) do
    for i = 1, 4 do
      local limit = limits[LIMITS[i]]
      is_set = is_set or limit
      parts[#parts + 1] = limit and show(limit) or ''
    end
  end
  return (is_set or #budgets == 3) and table.concat(parts, ',') or ''
end

local function book(chosen, attempt, answer, budgets, serial)
  local candidate, known = chosen.candidate, chosen.known
  set(BUDGET, ADMISSIONS, show(serial))
  if known then put_provider_limits(candidate.provider, candidate.deployment, known) end
  for _, slot in ipairs(chosen.booked) do set(slot[1], slot[2], slot[3]) end
  move({spend = 0, spend_tokens = 0, hold = candidate.nano, hold_tokens = candidate.tokens})
  -- Whoever looks for holds that nobody settled has to know of the project, though none of its requests has ended yet.
  if hashes[BUDGET].expire then later('SADD', KEYS[admission.projects], string.sub(PROJECT, 5)) end
  set(BUDGET, hold_field('h', attempt), show_hold({
    nano = candidate.nano, tokens = candidate.tokens, limits = kept_limits(budgets),
    key_rpm = budgets[2].rpm or 0, key_tpm = budgets[2].tpm or 0,
    sequence = known and known.requests.count or 0, token_sequence = known and known.tokens.count or 0,
    who = table.concat({ticket.day, show(ticket.now), ticket.key, ticket.user}, ';'),
    paid = 0, paid_tokens = 0, answer = answer,
  }))
end

-- Whether any limit is set that the request counts against.
local function is_limited(budgets)
  for _, limits in ipairs(budgets) do
    if next(limits) then return 1 end
  end
  return 0
end

local function budget_of(scope)
  local field = 'b|' .. scope
  return parse_limits(get(PROJECT, field), 4, 'budget ' .. field .. ' of ' .. PROJECT)
end

-- The limits of each scope that the request counts against.
local function budgets_of(limits)
  local user = USER and budget_of(USER[2]) or {}
  count_user(next(user) ~= nil or has_user_account())
  return {budget_of('p'), limits, scopes[3] and user}
end

local function admissions()
  local text = get(BUDGET, ADMISSIONS) or '0'
  if not string.match(text, '^%d+$') then unreadable(ADMISSIONS .. ' of ' .. BUDGET) end
  return tonumber(text)
end

-- Replies: "+index,attempt,generation,probe,wait,limited,serial;refusal..." admitted, "-;refusal..." refused, "!" stale caller,
-- each with its changes.
local function admit(attempt)
  local limits = key_limits()
  if not limits then return '!' .. reported() end
  local budgets = budgets_of(limits)
  local assessments, lines = {}, budget_lines(budgets)
  for i, candidate in ipairs(candidates) do assessments[i] = assess(candidate, budgets, lines) end
  local chosen = choose(assessments)
  if not chosen then return '-' .. explain(assessments, nil) .. reported() end
  local generation, probe = pass(chosen.candidate, chosen.wait)
  local serial = admissions() + 1
  local head = {show(chosen.candidate.index), show(attempt), show(generation), show(probe), show(chosen.wait),
                show(is_limited(budgets)), show(serial)}
  local answer = '+' .. table.concat(head, ',') .. explain(assessments, chosen) .. reported()
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
