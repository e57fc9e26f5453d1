-- Which unconfirmed attempts of a project have waited for long enough to be booked, the first ones; and notes when the
-- next one began to wait. KEYS index, project. ARGV until when they began to wait, how many at most.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
local following = redis.call('ZRANGE', KEYS[1], #due, #due, 'WITHSCORES')
if following[2] then
  redis.call('HSET', KEYS[2], 'due', string.format('%.0f', following[2]))
else
  redis.call('HDEL', KEYS[2], 'due')
end
return due
