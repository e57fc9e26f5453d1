-- Prepended to every script. Integers travel as text and are printed with %.0f: doubles are exact below 2^53.

local unpack = unpack or table.unpack

-- Each run makes all of this anew, so what a run has no use for costs it the same: a function that is rarely needed is
-- inside the one that needs it, or made by `once`, and arguments are read by their place, of which `at` have been read.
local at = 7

-- What `make` makes, once it is asked for.
local function once(make)
  local made
  return function()
    made = made or make()
    return made
  end
end

local function show(number)
  return string.format('%.0f', number)
end

-- Ends the script before anything is written: what the store holds there is not ours. Names it, never its content.
local function unreadable(what)
  error('unreadable: ' .. what, 0)
end

-- Hashes: fields are wanted, then fetched with one HMGET a hash, and written together at the very end, because Redis
-- rolls nothing back. Each command is billed, so their number must not grow with the number of fields.
local hashes, hash_order = {}, {}

-- The value of a field is nil as long as nobody wanted it, and false where there is none.
local function want(key, ...)
  local hash = hashes[key]
  if not hash then
    hash = {names = {}, values = {}, fetched = 0}
    hashes[key] = hash
    hash_order[#hash_order + 1] = key
  end
  local fields, values, names = {...}, hash.values, hash.names
  for i = 1, #fields do
    local field = fields[i]
    if values[field] == nil then
      values[field] = false
      names[#names + 1] = field
    end
  end
end

-- What was fetched before is not fetched again. Only holds and marks are emptied where they are gone, see `empty`:
-- elsewhere nothing is not ours.
local function fetch()
  for _, key in ipairs(hash_order) do
    local hash = hashes[key]
    local names, values, before = hash.names, hash.values, hash.fetched
    if #names > before then
      local found = redis.call('HMGET', key, unpack(names, before + 1))
      for i = 1, #found do
        local field, value = names[before + i], found[i]
        if value == '' and string.match(field, '^[hxes]|') then value = false end
        values[field] = value
      end
      hash.fetched = #names
    end
  end
end

local function get(key, field)
  return hashes[key].values[field] or nil
end

local function set(key, field, value)
  local hash = hashes[key]
  local values, changed = hash.values, hash.changed
  if values[field] == value then return end
  values[field] = value
  if not changed then
    changed = {}
    hash.changed, hash.order = changed, {}
  end
  if not changed[field] then
    changed[field] = true
    hash.order[#hash.order + 1] = field
  end
end

local function drop(key, field)
  if get(key, field) then set(key, field, false) end
end

-- Fields that are gone are emptied by the write that there is anyway, and noted; those of some requests are removed by
-- one command. A field that has come back by then stays.
local EMPTIED, MOST_EMPTIED = 'z', 32

local function empty(key, hash, sets, drops)
  local noted, separator = hash.values[EMPTIED] or '', ''
  if noted ~= '' then separator = '\n' end
  for i = 1, #drops do
    noted, separator = noted .. separator .. drops[i], '\n'
    sets[#sets + 1] = drops[i]
    sets[#sets + 1] = ''
  end
  local _, breaks = string.gsub(noted, '\n', '')
  if breaks + 1 >= MOST_EMPTIED then return noted end
  sets[#sets + 1] = EMPTIED
  sets[#sets + 1] = noted
end

local function write_hash(key, hash)
  local sets, drops, order, values = {}, {}, hash.order or {}, hash.values
  local notes_emptied = values[EMPTIED] ~= nil
  for i = 1, #order do
    local field = order[i]
    local value = values[field]
    if value then
      sets[#sets + 1] = field
      sets[#sets + 1] = value
    else
      drops[#drops + 1] = field
    end
  end
  local swept
  if #drops > 0 and notes_emptied then swept = empty(key, hash, sets, drops) end
  if #sets > 0 then redis.call('HSET', key, unpack(sets)) end
  if swept then
    local names, gone = {}, {EMPTIED}
    for name in string.gmatch(swept, '[^\n]+') do names[#names + 1] = name end
    for i, value in ipairs(redis.call('HMGET', key, unpack(names))) do
      if value == '' then gone[#gone + 1] = names[i] end
    end
    redis.call('HDEL', key, unpack(gone))
  end
  if #drops > 0 and not notes_emptied then redis.call('HDEL', key, unpack(drops)) end
  if hash.expire and #sets > 0 then redis.call('EXPIRE', key, hash.expire) end
end

-- What is written beside hashes, in rare cases only.
local commands = {}

local function later(...)
  commands[#commands + 1] = {...}
end

-- Adds to a number in a hash that may not have been fetched: one command instead of two. What is no number stays: it
-- is told to who has to read it.
local function add(key, field, number)
  local hash = hashes[key]
  if hash and hash.values[field] ~= nil then
    local known = tonumber(hash.values[field] or '')
    if known then set(key, field, show(known + number)) end
  else
    commands[#commands + 1] = {'HINCRBY', key, field, show(number), can_fail = true}
  end
end

local function flush()
  for i = 1, #hash_order do
    local hash = hashes[hash_order[i]]
    if hash.changed then write_hash(hash_order[i], hash) end
  end
  for i = 1, #commands do
    local command = commands[i]
    local run = command.can_fail and redis.pcall or redis.call
    run(unpack(command))
  end
end

-- What the step changed, told after its answer, each with a bar before it: "o,until,generation,provider,deployment" for
-- a breaker (o open, l open by a rate limit, h, c), "p:day_nano,percent,spent,limit" for a budget. `earlier` is what a copy of the step told already.
local earlier, changes = '', {}

local function report(...)
  changes[#changes + 1] = '|' .. table.concat({...}, ',')
end

local function reported()
  return changes[1] and earlier .. table.concat(changes) or earlier
end

-- What every script is told: the moment, and the request.
local BUDGET, KEY_BUDGET, PROJECT, KEY_PROJECT = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local BUDGET_TTL_S, INDEX_TTL_S = 400 * 86400, 62 * 86400
local ticket = {now = tonumber(ARGV[1]), request = ARGV[2], digest = ARGV[3], tag = ARGV[4], key = ARGV[5],
                user = ARGV[6], day = ARGV[7]}

-- An account is one scope in one period: "spent nano;held nano;spent tokens;held tokens". A scope is the hash where its
-- accounts are, its name, and their fields.
local MONTH, DAY = '|M', '|D' .. string.sub(ticket.day, 7)
local KEY_SCOPE, USER = 'k:' .. ticket.key, nil
local scopes = {{BUDGET, 'p', 'p|M', 'p' .. DAY}, {KEY_BUDGET, KEY_SCOPE, KEY_SCOPE .. MONTH, KEY_SCOPE .. DAY}}
if ticket.user ~= '' then
  local name = 'u:' .. ticket.user
  USER = {BUDGET, name, name .. MONTH, name .. DAY}
  scopes[3] = USER
end

-- Users are as many as callers name: only one who has a budget, or had one this month, has accounts.
local function count_user(is_counted) scopes[3] = is_counted and USER or nil end
-- How much of what is spent is an estimate, "nano;tokens", is kept apart: earlier releases read accounts of four numbers.
local ESTIMATED_MONTH, ESTIMATED_DAY = '|EM', '|E' .. string.sub(ticket.day, 7)

local function has_user_account()
  return USER ~= nil and get(BUDGET, USER[3]) ~= nil
end

local function want_accounts()
  for _, scope in ipairs(scopes) do want(scope[1], 'p|M', scope[3], scope[4]) end
end

-- A budget hash that is new gets its time to live with its first write; the project's month marks it as known.
local function keep(key)
  if not get(key, 'p|M') then
    set(key, 'p|M', '0;0;0;0')
    hashes[key].expire = BUDGET_TTL_S
  end
end

-- By their text: each is needed more than once, and nobody changes what was read.
local accounts = {}

local function account(key, field)
  local text = get(key, field) or '0;0;0;0'
  local known = accounts[text]
  if known then return known end
  local spent, held, spent_tokens, held_tokens = string.match(text, '^(%d+);(%d+);(%d+);(%d+)$')
  if not spent then unreadable('account ' .. field .. ' of ' .. key) end
  known = {nano = tonumber(spent), held = tonumber(held), tokens = tonumber(spent_tokens), held_tokens = tonumber(held_tokens)}
  accounts[text] = known
  return known
end

-- Tells the thresholds that a scope reaches. A threshold is a limit less one part of so many, rounded up; 100 % is the
-- limit itself. `limits` has four numbers a scope, empty where there is no limit: "day nano,month nano,day tokens,month
-- tokens,...".
local function report_crossed(i, limits, change)
  local scope, own, number = scopes[i], {}, 0
  for value in string.gmatch(limits .. ',', '([^,]*),') do
    number = number + 1
    own[number - 4 * (i - 1)] = tonumber(value)
  end
  local day, month = account(scope[1], scope[4]), account(scope[1], scope[3])
  local spent = {
    {':day_nano', day.nano, change.spend}, {':month_nano', month.nano, change.spend},
    {':day_tokens', day.tokens, change.spend_tokens}, {':month_tokens', month.tokens, change.spend_tokens},
  }
  for k = 1, 4 do
    local limit, name, before, after = own[k], scope[2] .. spent[k][1], spent[k][2], spent[k][2] + spent[k][3]
    for _, threshold in ipairs(limit and THRESHOLDS or {}) do
      local least = limit - math.floor(limit / threshold[2])
      if before < least and after >= least then report(name, show(threshold[1]), show(after), show(limit)) end
    end
  end
end

local function want_estimates()
  for _, scope in ipairs(scopes) do want(scope[1], scope[2] .. ESTIMATED_MONTH, scope[2] .. ESTIMATED_DAY) end
end

-- Few requests have one: who does not know beforehand fetches these accounts here.
local function move_estimates(nano, tokens)
  if nano == 0 and tokens == 0 then return end
  local function estimate_one(key, field)
    local old, old_tokens = string.match(get(key, field) or '0;0', '^(%d+);(%d+)$')
    if not old then unreadable('account ' .. field .. ' of ' .. key) end
    set(key, field, show(math.max(0, tonumber(old) + nano)) .. ';' .. show(math.max(0, tonumber(old_tokens) + tokens)))
  end
  want_estimates()
  fetch()
  for _, scope in ipairs(scopes) do
    estimate_one(scope[1], scope[2] .. ESTIMATED_MONTH)
    estimate_one(scope[1], scope[2] .. ESTIMATED_DAY)
  end
end

-- Moves money in all accounts of the request; hold and hold_tokens are negative when they are released. Without limits
-- nothing is told, and `of` are those of the hold that is moved.
local function move(change)
  local of = change.limits or change.of
  if of then
    -- A hold keeps the limits of three scopes, that is eleven commas, if it is held in accounts of a user, too.
    local _, commas = string.gsub(of, ',', '')
    count_user(commas >= 11)
  end
  move_estimates(change.estimate or 0, change.estimate_tokens or 0)
  -- By what they were: accounts that are alike, as on a first day, stay alike.
  local moved = {}
  local function move_one(key, field)
    local old = account(key, field)
    if not moved[old] then
      local nano, held = old.nano + change.spend, old.held + change.hold
      local tokens, held_tokens = old.tokens + change.spend_tokens, old.held_tokens + change.hold_tokens
      moved[old] = string.format('%.0f;%.0f;%.0f;%.0f', nano > 0 and nano or 0, held > 0 and held or 0,
                                 tokens > 0 and tokens or 0, held_tokens > 0 and held_tokens or 0)
    end
    set(key, field, moved[old])
  end
  for i, scope in ipairs(scopes) do
    local key, month, day = scope[1], scope[3], scope[4]
    keep(key)
    if change.limits and change.limits ~= '' then
      report_crossed(i, change.limits, change)
    end
    move_one(key, month)
    move_one(key, day)
  end
end

-- A hold: "nano;tokens;key tpm;day;since;key;user;paid nano;paid tokens;key rpm;sequence;limits|the answer to give again".
-- Its field is h|request.attempt while the attempt is open, x|request.attempt once it is unconfirmed, e|request.attempt
-- once it is booked as an estimate and held no more; that begins with the letter that it had before. The sequence
-- "requests;tokens" puts its provider's reports in order. The limits are those of the request's scopes at its
-- admission: settling needs no command more for them. Unconfirmed, ",;since;estimated nano;estimated tokens" follow them,
-- of what was paid, in a form that earlier releases pass over.
-- ADMISSIONS counts the month's: the number is part of the answer, and tells a hold from that of a late copy.
local ADMISSIONS = 'n'

local OF_REQUEST = '|' .. ticket.request .. '.'

local function hold_field(kind, attempt) return kind .. OF_REQUEST .. attempt end

local function parse_hold(text)
  if not text then return nil end
  local nano, tokens, key_tpm, who, paid, paid_tokens, key_rpm, sequence, token_sequence, limits, answer =
    string.match(text, '^(%d+);(%d+);(%d+);(%d+;%d+;[^;]*;[^;]*);(%d+);(%d+);(%d+);(%d+);(%d+);([^|]*)|(.*)$')
  if not nano then unreadable('a hold of request ' .. ticket.request) end
  local kept, since, estimated, estimated_tokens = string.match(limits, '^(.*),;(%d+);(%d+);(%d+)$')
  limits = kept or limits
  return {
    nano = tonumber(nano), tokens = tonumber(tokens), key_tpm = tonumber(key_tpm), who = who,
    paid = tonumber(paid), paid_tokens = tonumber(paid_tokens), key_rpm = tonumber(key_rpm),
    sequence = tonumber(sequence), token_sequence = tonumber(token_sequence), limits = limits, answer = answer,
    since = since, estimated = tonumber(estimated or 0), estimated_tokens = tonumber(estimated_tokens or 0),
  }
end

local function show_hold(hold)
  local limits = hold.limits
  if hold.since then
    limits = table.concat({limits .. ',', hold.since, show(hold.estimated), show(hold.estimated_tokens)}, ';')
  end
  return string.format('%.0f;%.0f;%.0f;%s;%.0f;%.0f;%.0f;%.0f;%.0f;', hold.nano, hold.tokens, hold.key_tpm, hold.who,
                       hold.paid, hold.paid_tokens, hold.key_rpm, hold.sequence, hold.token_sequence)
    .. limits .. '|' .. hold.answer
end

-- Whether an attempt is booked that was never settled.
local function is_booked_open(attempt)
  return string.sub(get(BUDGET, hold_field('e', attempt)) or '', 1, 1) == 'h'
end

-- Unconfirmed attempts wait in a sorted set of the project, by when their wait began, to be booked; the project's field
-- `due` says when the first of them did, so that an admission learns of it for nothing.
local function index_name(attempt)
  return ticket.day .. ':' .. ticket.request .. '.' .. show(attempt)
end

local function await_booking(index, attempt, from)
  later('ZADD', index, show(from), index_name(attempt))
  later('EXPIRE', index, INDEX_TTL_S)
  local due = tonumber(get(PROJECT, 'due') or '') or from
  set(PROJECT, 'due', show(math.min(due, from)))
end

-- The mark of a request whose first attempt failed: r<n> attempts up to n are settled, d<n> the same for one that began
-- while the store was away. It outs late copies of what was done before, and goes when the request is closed. c says
-- that the record is written, where no hold proves that it is not. Changes follow, for a copy to tell again.
local MARK = 's|' .. ticket.request

local function mark()
  local text = get(BUDGET, MARK)
  if not text then return {told = ''} end
  local kind, attempt, told = string.match(text, '^([rdc])(%d*)(.*)$')
  if not kind then unreadable(MARK .. ' of ' .. BUDGET) end
  return {kind = kind, attempt = tonumber(attempt), told = told}
end

-- Frees the hold of an attempt that was admitted without its caller hearing of it: it was never made.
local function void(attempt)
  local field = hold_field('h', attempt)
  local unused = parse_hold(get(BUDGET, field))
  if unused then
    move({spend = 0, spend_tokens = 0, hold = -unused.nano, hold_tokens = -unused.tokens, of = unused.limits})
    drop(BUDGET, field)
  end
end
