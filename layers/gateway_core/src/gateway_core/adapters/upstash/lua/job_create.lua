-- Accepts a job, once. KEYS job, idempotency, open jobs of the project, open jobs of all.
-- ARGV now, until, life in seconds, the most open ones, the job's token and its name among all, facts, whether it has
-- an idempotency key, whether it is listed among those of all.
-- Replies: "+" accepted, "=token" accepted before by the same idempotency key, "-" too many are open.
local now, until_ms, life, most, token, member, facts, is_named, is_listed = unpack(ARGV)
if is_named == '1' then
  local told = redis.call('GET', KEYS[2])
  if told and told ~= token then return '=' .. told end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return '+' end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if redis.call('ZCARD', KEYS[3]) >= tonumber(most) then return '-' end
redis.call('HSET', KEYS[1], 'facts', facts, 'state', 'queued')
redis.call('EXPIRE', KEYS[1], life)
if is_named == '1' then redis.call('SET', KEYS[2], token, 'EX', life) end
redis.call('ZADD', KEYS[3], until_ms, token)
redis.call('EXPIRE', KEYS[3], life)
if is_listed == '1' then redis.call('ZADD', KEYS[4], until_ms, member) end
return '+'
