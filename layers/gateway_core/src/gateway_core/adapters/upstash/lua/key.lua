-- The caller's key: its rights, as they were looked up, and its limits.

local KEY_FIELD = 'k|' .. ticket.digest
local KEY_RPM, KEY_TPM = 'rq|' .. ticket.key, 'tk|' .. ticket.key

local LIMITS = {'day_nano', 'month_nano', 'day_tokens', 'month_tokens', 'rpm', 'tpm'}

local function parse_limits(text)
  local limits, i = {}, 0
  for value in string.gmatch((text or '') .. ';', '([^;]*);') do
    i = i + 1
    limits[LIMITS[i]] = tonumber(value)
  end
  return limits
end

-- The limits of the key, or nil if the key is gone or grants something else than the caller was looked up with.
local function key_limits()
  local limits, rights = string.match(get(KEY_PROJECT, KEY_FIELD) or '', '^([^|]*)|(.*)$')
  if not rights or redis.sha1hex(rights) ~= ticket.tag then return nil end
  return parse_limits(limits)
end
