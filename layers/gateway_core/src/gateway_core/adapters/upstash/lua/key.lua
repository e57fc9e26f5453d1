-- The caller's key: its rights, as they were looked up, and its limits.

-- Of a user of tokens the name of its field stands in the place of the digest.
local KEY_FIELD = string.sub(ticket.digest, 1, 2) == 'j|' and ticket.digest or 'k|' .. ticket.digest
local KEY_RPM, KEY_TPM, KEY_DEBT = 'rq|' .. ticket.key, 'tk|' .. ticket.key, 'td|' .. ticket.key

local LIMITS = {'day_nano', 'month_nano', 'day_tokens', 'month_tokens', 'rpm', 'tpm'}

-- The first `count` limits of a text; a missing text has none. A limit that cannot be read is not "no limit".
local function parse_limits(text, count, what)
  local limits, i = {}, 0
  if not text or text == string.rep(';', count - 1) then return limits end
  for value in string.gmatch(text .. ';', '([^;]*);') do
    i = i + 1
    if i > count or not string.match(value, '^%d*$') then unreadable(what) end
    limits[LIMITS[i]] = tonumber(value)
  end
  if i < count then unreadable(what) end
  return limits
end

-- Whether the time of the key, or of this secret of it, is over. In JSON no text of a caller's can look like this.
local function has_ended(rights)
  for _, name in ipairs({'"expires_ms":', '"replaced_ms":'}) do
    local moment = tonumber(string.match(rights, name .. '(%d+)') or '')
    if moment and moment <= ticket.now then return true end
  end
  return false
end

-- The limits of the key, or nil if the key is gone, over, or grants something else than the caller was looked up with.
local function key_limits()
  local limits, rights = string.match(get(KEY_PROJECT, KEY_FIELD) or '', '^([^|]*)|(.*)$')
  if not rights or redis.sha1hex(rights) ~= ticket.tag or has_ended(rights) then return nil end
  return parse_limits(limits, 6, 'limits of key ' .. ticket.key)
end
