#!lua name=chat_1
--[[
The function library: every change of shared state, each one atomic call on the keys of one pool.

Names carry a version (chat_1_...), so that nodes of two versions work side by side; CONTRIBUTING
says when to raise it. KEYS[1] is always the pool, "chat:{p}", and names every other key:

  <pool>:last             hash    the last number given to an account and to a session; run and
                                  generation (see begin)
  <pool>:open             hash    how many accounts there are, and how many open sessions
  <pool>:account:<id>     hash    nick (JSON text), token (SHA-256), node, epoch, state, seq, acked,
                                  generation, hole, since, waiting, queued, newest, partner
  <pool>:inbox:<id>       stream  pushes not yet acknowledged, entry id <seq>-0, field push
  <pool>:sessions:<id>    set     open sessions of an account
  <pool>:session:<sid>    hash    state, a, b, nick_a, nick_b, last, viewed_a, viewed_b, told_a, told_b,
                                  opened_a, opened_b, since
  <pool>:said:<sid>:<side> list   of each side, a and b: its last messages (see remember)
  <pool>:queue            list    who waits, longest first
  <pool>:away             zset    account by the end of its grace time, ms
  <pool>:nodes            zset    node by the end of its lease, ms
  <pool>:node:<node>      set     accounts whose socket that node has
  <pool>:load:<node>      hash    what the node says of itself with its lease, for as long as that
  <pool>:made:<address>   string  accounts made from an address within a minute
  <pool>:moved:<id>       hash    pool: where an account of this one lives, which has moved (see depart)
  <pool>:pools            zset    in pool 0: pool by the time until which all nodes look after it, ms (see pools)
  <pool>:push:<id>        shard channel of an account: its pushes, "epoch <n>" (see attach), "new" (see
                          create), "resume" (see takes), "at <us>" (see deliver); before each of them the
                          generation in 13 digits (see publish)
  <pool>:probe:<node>     shard channel on which a node hears itself: proof that pushes arrive

A server may come back with an older data set than nodes and clients have seen. Two things keep that from
becoming a silent loss. An epoch is the time at which a socket took its account, in ms, and above the
account's last one: no two sockets have the same, also where the number of an account is given a second
time. And a generation of the data set begins with each process that serves it: nothing is pushed to an
account before its node, or its client, has said in this generation how far it had come (see resume and
attach), unless numbers that may have been given before are passed over (see renumber).

A result is {code, ...}: 0 and the codes of the protocol, or one of those below zero, which mean
that the calling socket does not hold the account (any more), or that another pool has to be asked. What holds at all times: an account is online,
with a socket on the node that leases it, or away with a deadline; it is in the queue exactly when
its field waiting is "yes", since the time in queued, and then it is online ("again": it waited when it became away); a session is open exactly while it is in the
sets of both its accounts. Times are this server's. JSON is put together from text that the node
encoded and from numbers, never by cjson, which would alter it.
--]]

local OK, NOT_NOW, NO_DATA, NOT_ALLOWED, RATE_LIMITED, CLOSED = 0, 2, 4, 5, 6, 7
local REPLACED = -1 -- a newer socket holds the account
local LOST = -2     -- the account is away or gone: its socket may come back
local OLDER = -3    -- the node saw what this data set does not know: it is older. As LOST
local FULL = -4     -- the pool has no room for a new account
local MOVED = -5    -- the account lives in another pool

local ENDED_SESSION_SECONDS = 3600
local REMEMBERED = 64 -- messages of each in a session whose requestId is known
local FORGOTTEN_AT_ONCE = 64 -- so many more are kept before the oldest are let go of: a command less for a message
local MOVED_SECONDS = 24 * 3600 -- so long it is known, without being asked for or kept, where an account has moved to
local BATCH = 100     -- pushes, or accounts, that one call reads
local TIMED = 8       -- of so many pushes to an account one is followed by its time
local PASSED_OVER = 1000000 -- more pushes than an account can have got that this data set does not know

-- Numbers as text: tostring() would write 1e+15.
local function int(number)
  return string.format('%d', number)
end

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function now_ms()
  return math.floor(now_us() / 1000)
end

-- The next id of this pool, its last three digits the pool's number.
local function next_id(pool, kind)
  return int(redis.call('HINCRBY', pool .. ':last', kind, 1)) .. string.format('%03d', string.match(pool, '{(%d+)}'))
end

-- Generations -------------------------------------------------------------------------------------

-- What is in <pool>:last, read once in the life of this server's process; and the same in 13 digits.
local generations, marks = {}, {}

local function generation(pool)
  if not generations[pool] then
    generations[pool] = redis.call('HGET', pool .. ':last', 'generation') or '0'
  end
  return generations[pool]
end

-- Nobody has said how far the account had come: the next push gets a number that was surely not given
-- before. So it is seen that some are missing, perhaps, and the client is told `recovered: false`.
local function renumber(pool, id)
  local key = pool .. ':account:' .. id
  local hole = redis.call('HINCRBY', key, 'seq', PASSED_OVER)
  redis.call('HSET', key, 'hole', int(hole), 'generation', generation(pool))
end

-- Frames ------------------------------------------------------------------------------------------

-- The generation comes first: in a cluster a primary that was replaced while it stood still publishes, when it wakes,
-- also to those who listen at its successor (it takes that one for its replica), with numbers that the successor gives
-- to something else.
local function publish(pool, id, frame)
  local mark = marks[pool]
  if not mark then
    mark = string.format('%013d', generation(pool))
    marks[pool] = mark
  end
  redis.call('SPUBLISH', pool .. ':push:' .. id, mark .. frame)
end

-- Numbers and records one push to an account that exists. Returns its seq, and the frame to publish.
-- `frame` lacks its end: seq comes last, so that nodes find it without parsing.
local function record(pool, id, frame)
  local seq = int(redis.call('HINCRBY', pool .. ':account:' .. id, 'seq', 1))
  frame = frame .. ',"seq":' .. seq .. '}'
  redis.call('XADD', pool .. ':inbox:' .. id, seq .. '-0', 'push', frame)
  return seq, frame
end

-- Publishes a recorded push. Nodes measure by every eighth how long pushes take from here to a socket: its
-- time comes after it, so that where it arrives the push has been dealt with.
local function deliver(pool, id, seq, frame)
  publish(pool, id, frame)
  if seq % TIMED == 0 then
    publish(pool, id, 'at ' .. int(now_us()))
  end
end

-- Records and publishes one push. Returns its seq, or nil where there is no such account.
local function push(pool, id, frame)
  local known = redis.call('HGET', pool .. ':account:' .. id, 'generation')
  if not known then
    return nil
  end
  if known ~= generation(pool) then
    renumber(pool, id)
  end
  local seq, numbered = record(pool, id, frame)
  deliver(pool, id, seq, numbered)
  return seq
end

local function signal(sender, sid, receiver, kind, data)
  return '{"cmd":"PUSH_SIGNAL_REQ","senderId":' .. sender .. ',"sessionId":' .. sid
    .. ',"receiverId":' .. receiver .. ',"signalType":"' .. kind .. '","data":' .. data
end

-- A signal of the system about the account `about`.
local function notice(pool, sid, receiver, kind, about)
  return push(pool, receiver, signal('0', sid, receiver, kind, '{"accountId":' .. about .. '}'))
end

-- Accounts ----------------------------------------------------------------------------------------

-- Whether the socket of this epoch holds the account: its fields, or nil and REPLACED, LOST or OLDER.
local function holds(pool, id, epoch)
  local found = redis.call('HMGET', pool .. ':account:' .. id,
    'epoch', 'state', 'seq', 'acked', 'waiting', 'newest', 'partner', 'generation')
  if found[1] == epoch and found[2] == 'online' then
    return { seq = tonumber(found[3]), acked = tonumber(found[4]), waiting = found[5], newest = found[6],
      partner = found[7], generation = found[8] }
  end
  if not found[1] or found[1] == epoch then
    return nil, LOST
  end
  return nil, tonumber(found[1]) > tonumber(epoch) and REPLACED or OLDER
end

-- Everything up to `upto` has arrived: the inbox lets go of it.
local function acknowledge(pool, id, account, upto)
  if upto > account.acked and upto <= account.seq then
    account.acked = upto
    redis.call('HSET', pool .. ':account:' .. id, 'acked', int(upto))
    redis.call('XTRIM', pool .. ':inbox:' .. id, 'MINID', int(upto + 1))
  end
end

-- The pushes in the inbox from `first` on (a stream id, "(" before it excludes it), BATCH at most.
local function recorded(pool, id, first)
  local pushes = {}
  for _, entry in ipairs(redis.call('XRANGE', pool .. ':inbox:' .. id, first, '+', 'COUNT', BATCH)) do
    pushes[#pushes + 1] = entry[2][2]
  end
  return pushes
end

-- Whether a push to someone has to wait: RATE_LIMITED, the inbox is full; NOT_NOW, its node has not said
-- yet how far it had come, and is asked to; NO_DATA, there is no such account; or OK.
local function takes(pool, id, room)
  local found = redis.call('HMGET', pool .. ':account:' .. id, 'seq', 'acked', 'generation', 'state', 'hole')
  if not found[3] then
    return NO_DATA
  end
  if found[3] ~= generation(pool) then
    if found[4] == 'online' then
      publish(pool, id, 'resume')
      return NOT_NOW
    end
    renumber(pool, id)
  end
  local waiting = found[1] - found[2]
  if found[5] then
    waiting = redis.call('XLEN', pool .. ':inbox:' .. id) -- numbers that were passed over take no room
  end
  return waiting >= tonumber(room) and RATE_LIMITED or OK
end

-- The node has the account's socket. The node is listed even when its lease was swept
-- meanwhile, so that nothing it holds can be without an owner.
local function hold(pool, id, node, lease)
  redis.call('ZADD', pool .. ':nodes', 'NX', int(now_ms() + lease), node)
  redis.call('SADD', pool .. ':node:' .. node, id)
end

-- Sessions ----------------------------------------------------------------------------------------

-- The session as `id` sees it: own side, partner; or nil where it is not one of its own.
local function session_of(pool, sid, id)
  local found = redis.call('HMGET', pool .. ':session:' .. sid,
    'state', 'a', 'b', 'last', 'left', 'opened_a', 'opened_b')
  local own = found[2] == id and 0 or found[3] == id and 1
  if not own then
    return nil
  end
  return {
    state = found[1], last = tonumber(found[4]), left = found[5],
    side = own == 0 and 'a' or 'b', partner = found[3 - own],
    opened = found[6 + own] and tonumber(found[6 + own]), -- the seq of its NewSession, if it got one
  }
end

-- What a command in a session starts with: account, session and OK, or what there is of them and the code.
-- A command in a session shows that its NewSession has arrived, if it was written to this socket and the
-- client does not say numbers: `written` is the last push of which that may be said.
local function in_session(pool, id, epoch, sid, written)
  local account, code = holds(pool, id, epoch)
  if not account then
    return nil, nil, code
  end
  local session = session_of(pool, sid, id)
  if not session then
    return account, nil, NO_DATA
  end
  if session.opened and session.opened > account.acked and session.opened <= tonumber(written) then
    acknowledge(pool, id, account, session.opened)
  end
  return account, session, session.state == 'ended' and CLOSED or OK
end

-- Opens a session of `a`, who asked, and `b`, who waited, and tells b. Returns its id.
local function open_session(pool, a, nick_a, b, nick_b)
  local sid = next_id(pool, 'session')
  local key = pool .. ':session:' .. sid
  redis.call('HSET', key, 'state', 'open', 'a', a, 'b', b, 'last', '0',
    'nick_a', nick_a, 'nick_b', nick_b, 'since', int(now_ms()))
  for id, partner in pairs({ [a] = b, [b] = a }) do
    redis.call('SADD', pool .. ':sessions:' .. id, sid)
    redis.call('HSET', pool .. ':account:' .. id, 'newest', sid, 'partner', partner)
    redis.call('HDEL', pool .. ':account:' .. id, 'waiting', 'queued')
  end
  redis.call('HINCRBY', pool .. ':open', 'sessions', 1)
  local opened = push(pool, b, signal(a, sid, b, 'NewSession', '{"accountId":' .. a .. ',"nickName":' .. nick_a .. '}'))
  redis.call('HSET', key, 'opened_b', opened)
  return sid
end

-- Ends an open session because `leaver` left it, and tells the other.
local function end_session(pool, sid, leaver)
  local key = pool .. ':session:' .. sid
  local sides = redis.call('HMGET', key, 'a', 'b', 'state')
  redis.call('HSET', key, 'state', 'ended', 'left', leaver, 'ended', int(now_ms()))
  redis.call('DEL', pool .. ':said:' .. sid .. ':a', pool .. ':said:' .. sid .. ':b')
  redis.call('EXPIRE', key, ENDED_SESSION_SECONDS)
  if sides[3] ~= 'ended' then -- it was, where somebody deleted it by hand: then it ends once for each side
    redis.call('HINCRBY', pool .. ':open', 'sessions', -1)
  end
  for _, id in ipairs(sides[1] and { sides[1], sides[2] } or {}) do
    redis.call('SREM', pool .. ':sessions:' .. id, sid)
    if id ~= leaver then
      notice(pool, sid, id, 'PartnerExit', leaver)
    end
  end
end

-- Remembers a message of a side: its number, its seq in the partner's inbox, its requestId. For each side apart:
-- what the other says meanwhile makes nobody's request unknown.
local function remember(pool, sid, side, msg, seq, request)
  local key = pool .. ':said:' .. sid .. ':' .. side
  if redis.call('RPUSH', key, msg .. ':' .. seq .. ':' .. request) >= REMEMBERED + FORGOTTEN_AT_ONCE then
    redis.call('LTRIM', key, -REMEMBERED, -1)
  end
end

-- What is remembered of a side, as a function that returns msgId, seq and requestId one after the other, the
-- newest first.
local function remembered(pool, sid, side)
  local entries = redis.call('LRANGE', pool .. ':said:' .. sid .. ':' .. side, -REMEMBERED, -1)
  local at = #entries + 1
  return function()
    at = at - 1
    if at > 0 then
      local msg, seq, request = string.match(entries[at], '^(%d+):(%d+):(.*)$')
      return msg, tonumber(seq), request
    end
  end
end

-- The msgId that this side's requestId was accepted with, or nil.
local function accepted(pool, sid, side, request)
  for msg, _, known in remembered(pool, sid, side) do
    if known == request then
      return msg
    end
  end
end

-- The number of the push that brought a message of the partner, or nil: by what is remembered of the
-- session, or among the first pushes that wait, where somebody reads what was said long ago.
local function seq_of_message(pool, id, sid, session, msg)
  for number, seq in remembered(pool, sid, session.side == 'a' and 'b' or 'a') do
    if number == int(msg) then
      return seq
    end
  end
  local head = '{"cmd":"PUSH_DIALOGUE_REQ","msgId":' .. int(msg) .. ',"senderId":' .. session.partner
    .. ',"sessionId":' .. sid .. ','
  for _, frame in ipairs(recorded(pool, id, '-')) do
    if string.sub(frame, 1, #head) == head then
      return tonumber(string.match(frame, '"seq":(%d+)}$'))
    end
  end
end

-- The queue ---------------------------------------------------------------------------------------

-- Takes out whoever has waited longest and is not `id`; the last partner only if nobody else waits.
-- What is found there without waiting is dropped: nobody gone or away is ever handed out. Somebody whose
-- node was not heard of yet keeps the place.
local function take_waiting(pool, id, last_partner)
  local queue = pool .. ':queue'
  local spare, stay = nil, {}
  local candidate = redis.call('LPOP', queue)
  while candidate do
    local found = redis.call('HMGET', pool .. ':account:' .. candidate, 'state', 'waiting', 'generation')
    if found[1] == 'online' and found[2] == 'yes' and candidate ~= id then
      if found[3] ~= generation(pool) then
        publish(pool, candidate, 'resume')
        stay[#stay + 1] = candidate
      elseif candidate ~= last_partner then
        break
      else
        spare = candidate
        stay[#stay + 1] = candidate
      end
    end
    candidate = redis.call('LPOP', queue)
  end
  for at = #stay, 1, -1 do
    if candidate or stay[at] ~= spare then
      redis.call('LPUSH', queue, stay[at])
    end
  end
  return candidate or spare
end

-- For how many ms somebody has waited, 0 where it is not known, and where this server's clock was set back.
local function waited(pool, id, now)
  return math.max(0, now - (tonumber(redis.call('HGET', pool .. ':account:' .. id, 'queued')) or now))
end

-- Pairs `id` with someone who waits: {sid, partner, partner's nick, ms that one has waited}; or puts it in
-- the queue: nil.
local function pair(pool, id, last_partner)
  local partner = take_waiting(pool, id, last_partner)
  if not partner then
    redis.call('RPUSH', pool .. ':queue', id)
    redis.call('HSET', pool .. ':account:' .. id, 'waiting', 'yes')
    redis.call('HSETNX', pool .. ':account:' .. id, 'queued', int(now_ms())) -- known where it waited in another pool
    return nil
  end
  local nick = redis.call('HGET', pool .. ':account:' .. id, 'nick')
  local partner_nick = redis.call('HGET', pool .. ':account:' .. partner, 'nick')
  local ms = waited(pool, partner, now_ms()) -- with the session this is forgotten
  return { open_session(pool, id, nick, partner, partner_nick), partner, partner_nick, ms }
end


-- What there is in the pool: accounts (of these away), open sessions, who waits, for how many ms the first
-- of them, and nodes that live.
local function figures(pool)
  local open = redis.call('HMGET', pool .. ':open', 'accounts', 'sessions')
  local first = redis.call('LINDEX', pool .. ':queue', 0)
  local now = now_ms()
  return { tonumber(open[1]) or 0, redis.call('ZCARD', pool .. ':away'), tonumber(open[2]) or 0,
    redis.call('LLEN', pool .. ':queue'), first and waited(pool, first, now) or 0,
    redis.call('ZCOUNT', pool .. ':nodes', '(' .. int(now), '+inf') }
end

local function leave_queue(pool, id, waiting)
  if waiting == 'yes' then
    redis.call('LREM', pool .. ':queue', 1, id)
  end
end

-- Away and gone -----------------------------------------------------------------------------------

-- Tells the partners that the account is away. One whose inbox is full is not told.
local function tell_away(pool, id, room)
  for _, sid in ipairs(redis.call('SMEMBERS', pool .. ':sessions:' .. id)) do
    local session = session_of(pool, sid, id)
    if session and takes(pool, session.partner, room) == OK then
      notice(pool, sid, session.partner, 'PartnerAway', id)
      redis.call('HSET', pool .. ':session:' .. sid, 'told_' .. session.side, '1')
    end
  end
end

-- Tells those who were told that it is away that it is back.
local function tell_back(pool, id)
  for _, sid in ipairs(redis.call('SMEMBERS', pool .. ':sessions:' .. id)) do
    local session = session_of(pool, sid, id)
    if session and redis.call('HDEL', pool .. ':session:' .. sid, 'told_' .. session.side) == 1 then
      notice(pool, sid, session.partner, 'PartnerBack', id)
    end
  end
end

-- An online account has no socket any more: it is kept for the grace time.
local function make_away(pool, id, grace, room)
  local key = pool .. ':account:' .. id
  local found = redis.call('HMGET', key, 'node', 'waiting')
  if found[2] == 'yes' then
    leave_queue(pool, id, found[2])
    redis.call('HSET', key, 'waiting', 'again') -- it waits again when it is back
    redis.call('HDEL', key, 'queued')
  end
  redis.call('HSET', key, 'state', 'away', 'node', '')
  redis.call('SREM', pool .. ':node:' .. found[1], id)
  redis.call('ZADD', pool .. ':away', int(now_ms() + grace), id)
  tell_away(pool, id, room)
end

-- No key of the account is left in this pool.
local function erase(pool, id)
  local key = pool .. ':account:' .. id
  local found = redis.call('HMGET', key, 'node', 'waiting')
  leave_queue(pool, id, found[2])
  redis.call('ZREM', pool .. ':away', id)
  if found[1] and found[1] ~= '' then
    redis.call('SREM', pool .. ':node:' .. found[1], id)
  end
  if redis.call('DEL', key) == 1 then
    redis.call('HINCRBY', pool .. ':open', 'accounts', -1)
  end
  redis.call('DEL', pool .. ':inbox:' .. id, pool .. ':sessions:' .. id)
end

-- The account ends: its sessions too.
local function remove(pool, id)
  for _, sid in ipairs(redis.call('SMEMBERS', pool .. ':sessions:' .. id)) do
    end_session(pool, sid, id)
  end
  erase(pool, id)
end

-- It is known here that the account lives in that other pool.
local function know_moved(pool, id, to)
  redis.call('HSET', pool .. ':moved:' .. id, 'pool', to)
  redis.call('EXPIRE', pool .. ':moved:' .. id, MOVED_SECONDS)
end

-- Functions ---------------------------------------------------------------------------------------

-- create node nick token address limit lease accounts
-- Makes an online account on `node`. `address` (already hashed) may make `limit` in a minute, 0: any; the pool may
-- have so many `accounts`, 0: any number.
-- Returns {0, id, epoch}; {6, ms to wait}; or {-4}: the pool is full.
-- Publishes "new" to the account's channel: where the data set was emptied, a socket may still be there that
-- had an account of this number.
local function create(keys, args)
  local pool = keys[1]
  local node, nick, token, address, limit, lease, accounts = unpack(args)
  accounts = tonumber(accounts or 0) -- nodes of an earlier release do not say it
  if accounts > 0 and tonumber(redis.call('HGET', pool .. ':open', 'accounts') or 0) >= accounts then
    return { FULL }
  end
  if tonumber(limit) > 0 then
    local key = pool .. ':made:' .. address
    local made = redis.call('INCR', key)
    if made == 1 then
      redis.call('PEXPIRE', key, 60000)
    end
    if made > tonumber(limit) then
      return { RATE_LIMITED, redis.call('PTTL', key) }
    end
  end
  local id, now = next_id(pool, 'account'), now_ms()
  -- First what every message looks at: Redis looks for a field of a small hash from its beginning.
  redis.call('HSET', pool .. ':account:' .. id, 'epoch', int(now), 'state', 'online', 'seq', '0', 'acked', '0',
    'generation', generation(pool), 'nick', nick, 'token', token, 'node', node, 'since', int(now))
  redis.call('HINCRBY', pool .. ':open', 'accounts', 1)
  hold(pool, id, node, lease)
  publish(pool, id, 'new')
  return { OK, tonumber(id), now }
end

-- attach id token node seq lease here
-- A new socket on `node` takes the account: from away, or from an older socket. `seq` is the last
-- push the client has, or "" where it does not say. With `here` "1" the account is here if it is anywhere: whoever
-- asks has just moved it here, or was sent on from here and back again.
-- Returns {0, epoch, nick, recovered, waiting, {sid, partner, nick, ...}, acked, seq, {push, ...}, waited}:
-- the first pushes after acked, up to the one numbered seq, as one call of inbox would; with recovered 0 some
-- of them may be missing; waited as match says it. Or {4}; or {-5, pool}: it has moved there. `token` is hashed.
-- Publishes "epoch <n>" to the account's channel, so that the node of an older socket lets go of it;
-- PartnerBack to those who got PartnerAway; NewSession to both if it waited and is paired at once.
local function attach(keys, args)
  local pool = keys[1]
  local id, token, node, seq, lease, here = unpack(args)
  local key = pool .. ':account:' .. id
  local moved = redis.call('HGET', pool .. ':moved:' .. id, 'pool')
  if moved and here ~= '1' then -- also where admit has made it: it is there as long as it has not departed
    redis.call('EXPIRE', pool .. ':moved:' .. id, MOVED_SECONDS)
    return { MOVED, tonumber(moved) }
  end
  local found = redis.call('HMGET', key, 'token', 'epoch', 'state', 'seq', 'acked', 'waiting', 'node', 'nick',
    'partner', 'hole')
  if found[1] ~= token then
    return { NO_DATA }
  end
  if moved then -- it has come back
    redis.call('DEL', pool .. ':moved:' .. id)
  end
  local account = { seq = tonumber(found[4]), acked = tonumber(found[5]) }
  local recovered = 1
  if seq ~= '' and tonumber(seq) > account.seq then
    recovered = 0 -- it has seen pushes that this data set does not know
    renumber(pool, id)
    account.seq = account.seq + PASSED_OVER
  elseif seq ~= '' then
    acknowledge(pool, id, account, tonumber(seq))
  end
  local epoch = int(math.max(found[2] + 1, now_ms()))
  if found[7] ~= '' and found[7] ~= node then
    redis.call('SREM', pool .. ':node:' .. found[7], id)
  end
  redis.call('HSET', key, 'node', node, 'epoch', epoch, 'state', 'online', 'generation', generation(pool))
  hold(pool, id, node, lease)
  publish(pool, id, 'epoch ' .. epoch)
  local waiting = found[6] == 'yes'
  if found[3] == 'away' then
    redis.call('ZREM', pool .. ':away', id)
    tell_back(pool, id)
  end
  local waited = -1
  if found[6] == 'again' then
    redis.call('HDEL', key, 'waiting')
    local paired = pair(pool, id, found[9])
    if paired then
      local data = '{"accountId":' .. paired[2] .. ',"nickName":' .. paired[3] .. '}'
      local opened = push(pool, id, signal(paired[2], paired[1], id, 'NewSession', data))
      redis.call('HSET', pool .. ':session:' .. paired[1], 'opened_a', opened)
      account.seq = tonumber(opened)
      waited = paired[4]
    else
      waiting = true
    end
  end
  local sessions = {}
  for _, sid in ipairs(redis.call('SMEMBERS', pool .. ':sessions:' .. id)) do
    local sides = redis.call('HMGET', pool .. ':session:' .. sid, 'a', 'nick_a', 'b', 'nick_b')
    local partner = sides[1] == id and 3 or 1
    sessions[#sessions + 1] = tonumber(sid)
    sessions[#sessions + 1] = tonumber(sides[partner])
    sessions[#sessions + 1] = sides[partner + 1]
  end
  local pushes = recorded(pool, id, '-')
  if redis.call('XLEN', pool .. ':inbox:' .. id) < account.seq - account.acked then
    recovered = 0 -- part of what is not acknowledged is not there
    redis.call('HSET', key, 'hole', int(account.seq))
    local first = pushes[1] and tonumber(string.match(pushes[1], '"seq":(%d+)}$')) or account.seq + 1
    acknowledge(pool, id, account, first - 1)
  elseif found[10] and (seq == '' and account.acked or seq + 1) <= tonumber(found[10]) then
    recovered = 0 -- as it was told before, but that answer may have been lost
  elseif found[10] then
    redis.call('HDEL', key, 'hole')
  end
  return { OK, tonumber(epoch), found[8], recovered, waiting and 1 or 0, sessions, account.acked, account.seq, pushes,
    waited }
end

-- detach id epoch acked goodbye grace room
-- The socket of this epoch is gone; `acked` is the last push that arrived there. With goodbye "1" the
-- account ends at once (PartnerExit), otherwise it is away for `grace` ms (PartnerAway).
-- Returns {0}, or a code below zero and nothing happens.
local function detach(keys, args)
  local pool = keys[1]
  local id, epoch, acked, goodbye, grace, room = unpack(args)
  local account, code = holds(pool, id, epoch)
  if not account then
    return { code }
  end
  acknowledge(pool, id, account, tonumber(acked))
  if goodbye == '1' then
    remove(pool, id)
  else
    make_away(pool, id, grace, room)
  end
  return { OK }
end

-- match id epoch sessions room
-- Pairs the account with who has waited longest (NewSession is pushed to that one), or puts it in the
-- queue. While its newest session has had no message it gets that one again. `sessions` is how many
-- it may have; with a full inbox it has to wait.
-- Returns {0, sid, partner, partner's nick, waited}: ms that the partner has waited, -1 where it is the session
-- of before; {4} it waits; {5} too many sessions; {6}; below zero.
local function match(keys, args)
  local pool = keys[1]
  local id, epoch, sessions, room = unpack(args)
  local account, code = holds(pool, id, epoch)
  if not account then
    return { code }
  end
  if account.newest then
    local key = pool .. ':session:' .. account.newest
    local found = redis.call('HMGET', key, 'state', 'last', 'a', 'nick_a', 'b', 'nick_b')
    if found[1] == 'open' and found[2] == '0' then
      local partner = found[3] == id and 5 or 3
      return { OK, tonumber(account.newest), tonumber(found[partner]), found[partner + 1], -1 }
    end
  end
  if account.waiting == 'yes' then
    return { NO_DATA }
  end
  if redis.call('SCARD', pool .. ':sessions:' .. id) >= tonumber(sessions) then
    return { NOT_ALLOWED }
  end
  local code = takes(pool, id, room)
  if code ~= OK then
    return { code }
  end
  local paired = pair(pool, id, account.partner)
  if not paired then
    return { NO_DATA }
  end
  return { OK, tonumber(paired[1]), tonumber(paired[2]), paired[3], paired[4] }
end

-- cancel id epoch
-- Gives up the place in the queue, if there is one. Returns {0}, or a code below zero.
local function cancel(keys, args)
  local pool = keys[1]
  local id, epoch = unpack(args)
  local account, code = holds(pool, id, epoch)
  if not account then
    return { code }
  end
  leave_queue(pool, id, account.waiting)
  redis.call('HDEL', pool .. ':account:' .. id, 'waiting', 'queued')
  return { OK }
end

-- What a message needs to be asked for that is not plainly to be said: its code (and msgId), or nil if it is to be
-- said after all.
local function not_plain(pool, room, id, epoch, sid, written, request, retry)
  local _, session, code = in_session(pool, id, epoch, sid, written)
  if code == CLOSED and session.left ~= id and takes(pool, id, room) == OK then
    notice(pool, sid, id, 'PartnerExit', session.left)
  end
  if code ~= OK then
    return code
  end
  if retry == '1' then
    local msg = accepted(pool, sid, session.side, request)
    if msg then
      return OK, tonumber(msg)
    end
  end
end

-- One message: its code, and its msgId. Every message passes here, so it asks for no more than is needed where all
-- is as it mostly is, makes no tables, and turns each number into text once; what is rare is asked for again.
local function say_one(pool, room, id, epoch, sid, written, request, retry, content)
  local call, format = redis.call, string.format
  local session = pool .. ':session:' .. sid
  local own = call('HMGET', pool .. ':account:' .. id, 'epoch', 'state')
  local open = call('HMGET', session, 'state', 'a', 'b', 'last')
  local side, partner = 'a', open[3]
  if partner == id then
    side, partner = 'b', open[2]
  end
  if own[1] ~= epoch or own[2] ~= 'online' or open[1] ~= 'open' or open[side == 'a' and 2 or 3] ~= id
    or written ~= '0' or retry == '1' then
    local code, msg = not_plain(pool, room, id, epoch, sid, written, request, retry)
    if code then
      return code, msg
    end
  end
  local account = pool .. ':account:' .. partner
  local to = call('HMGET', account, 'seq', 'acked', 'generation')
  if to[3] ~= generation(pool) or to[1] - to[2] >= room then
    local code = takes(pool, partner, room)
    if code ~= OK then
      return code
    end
    to[1] = call('HGET', account, 'seq')
  end
  local number = to[1] + 1
  local msg, seq = format('%d', open[4] + 1), format('%d', number)
  local frame = '{"cmd":"PUSH_DIALOGUE_REQ","msgId":' .. msg .. ',"senderId":' .. id .. ',"sessionId":' .. sid
    .. ',"content":' .. content .. ',"seq":' .. seq .. '}'
  call('XADD', pool .. ':inbox:' .. partner, seq .. '-0', 'push', frame) -- first what may fail, where it is damaged
  call('HSET', account, 'seq', seq)
  call('HSET', session, 'last', msg)
  remember(pool, sid, side, msg, seq, request)
  deliver(pool, partner, number, frame)
  return OK, tonumber(msg)
end

-- say room {id epoch sid written request retry content}...
-- Numbers, records and publishes messages, one after the other; `content` is the JSON text of each. With retry "1"
-- a request that was accepted before gets its msgId again, and nothing is pushed.
-- Returns {0, code, msgId, code, msgId, ...}. The codes: 0; and with msgId 0: 2 nothing was done, but will be in a
-- moment (or its keys are damaged, which the server's log tells); 4 not its session; 6 the partner's inbox is full;
-- 7 ended (PartnerExit is pushed again to the one who did not leave); below zero.
local function say(keys, args)
  local pool, room = keys[1], tonumber(args[1])
  local results = { OK }
  for i = 2, #args, 7 do
    local done, code, msg = pcall(say_one, pool, room, args[i], args[i + 1], args[i + 2], args[i + 3], args[i + 4],
      args[i + 5], args[i + 6])
    if not done then -- it must not cost the others their answers
      redis.log(redis.LOG_WARNING, 'chat: a message cannot be said: ' .. (type(code) == 'table' and code.err or tostring(code)))
      code, msg = NOT_NOW, nil
    end
    results[#results + 1] = code
    results[#results + 1] = msg or 0
  end
  return results
end

-- viewed id epoch sid written msgId room
-- Everything up to msgId was read: the partner gets PUSH_VIEWED_ACK_REQ, once for each number. It also
-- shows that the push of that message arrived (see in_session for `written`).
-- Returns {0}; {2} as say; {4} not its session, or no such message yet; {6}; {7}; below zero.
local function viewed(keys, args)
  local pool = keys[1]
  local id, epoch, sid, written, msg, room = unpack(args)
  local account, session, code = in_session(pool, id, epoch, sid, written)
  if code ~= OK then
    return { code }
  end
  msg = tonumber(msg)
  if msg > session.last then
    return { NO_DATA }
  end
  local key, field = pool .. ':session:' .. sid, 'viewed_' .. session.side
  local before = redis.call('HGET', key, field)
  local seq = account.acked < tonumber(written) and seq_of_message(pool, id, sid, session, msg)
  if seq and seq <= tonumber(written) then
    acknowledge(pool, id, account, seq)
  end
  if before and msg <= tonumber(before) then
    return { OK }
  end
  code = takes(pool, session.partner, room)
  if code ~= OK then
    return { code }
  end
  redis.call('HSET', key, field, int(msg))
  push(pool, session.partner, '{"cmd":"PUSH_VIEWED_ACK_REQ","sessionId":' .. sid
    .. ',"accountId":' .. id .. ',"msgId":' .. int(msg))
  return { OK }
end

-- typing id epoch sid written true|false
-- Publishes the signal; it is never recorded. Returns {0}, {4}, {7} or below zero.
local function typing(keys, args)
  local pool = keys[1]
  local id, epoch, sid, written, flag = unpack(args)
  local _, session, code = in_session(pool, id, epoch, sid, written)
  if code == OK then
    local data = '{"accountId":' .. id .. ',"typing":' .. flag .. '}'
    publish(pool, session.partner, signal(id, sid, session.partner, 'Typing', data) .. '}')
  end
  return { code }
end

-- leave id epoch sid written
-- Ends a session; the partner gets PartnerExit. Returns {0}, {2} as say, {4}, {7} or below zero.
local function leave(keys, args)
  local pool = keys[1]
  local id, epoch, sid, written = unpack(args)
  local _, session, code = in_session(pool, id, epoch, sid, written)
  if code == OK and takes(pool, session.partner, 0) == NOT_NOW then
    return { NOT_NOW }
  end
  if code == OK then
    end_session(pool, sid, id)
  end
  return { code }
end

-- ack {id epoch seq}...
-- For each account whose socket of that epoch still holds it: everything up to seq has arrived.
-- Returns {0}.
local function ack(keys, args)
  local pool, call = keys[1], redis.call
  for i = 1, #args, 3 do
    local found = call('HMGET', pool .. ':account:' .. args[i], 'epoch', 'state', 'seq', 'acked')
    if found[1] == args[i + 1] and found[2] == 'online' then -- as holds, with no more than is needed
      acknowledge(pool, args[i], { seq = tonumber(found[3]), acked = tonumber(found[4]) }, tonumber(args[i + 2]))
    end
  end
  return { OK }
end

-- resume {id epoch seq}...
-- The node's link was interrupted: for each account the last push that its socket got. From here on
-- pushes to it are numbered on.
-- Returns {0, {n, ...}, generation}: for each its last number, or below zero what has become of it.
local function resume(keys, args)
  local pool = keys[1]
  local results = {}
  for i = 1, #args, 3 do
    local account, code = holds(pool, args[i], args[i + 1])
    if account and tonumber(args[i + 2]) > account.seq then
      account, code = nil, OLDER
    end
    if account and account.generation ~= generation(pool) then
      redis.call('HSET', pool .. ':account:' .. args[i], 'generation', generation(pool))
    end
    results[#results + 1] = account and account.seq or code
  end
  return { OK, results, tonumber(generation(pool)) }
end

-- inbox id epoch after                                                                 (reads only)
-- Returns {0, seq, {push, ...}}: what is recorded after that number, 100 pushes at most; there are more
-- unless the last one is numbered seq. Or below zero: -3 also where that number has not been given yet.
local function inbox(keys, args)
  local pool = keys[1]
  local id, epoch, after = unpack(args)
  local account, code = holds(pool, id, epoch)
  if account and tonumber(after) > account.seq then
    account, code = nil, OLDER
  end
  if not account then
    return { code }
  end
  return { OK, account.seq, recorded(pool, id, '(' .. after .. '-0') }
end

-- Moving ------------------------------------------------------------------------------------------
-- Who waits alone in one pool moves to another where somebody waits: alone, copy, admit there, depart, attach there.
-- At each step the account can be taken by its socket at one of the two pools, and nowhere else: what admit has made
-- is away, ends with its grace time, and nobody is sent there before depart: not even where the account was before, as
-- what is known of that stays until attach there.

-- alone node                                                                             (reads only)
-- Who would be paired next. Returns {0, waiting, id, epoch, ms}: how many wait, and the first of them if its socket
-- is on the node, its epoch, and for how many ms it has waited; id is otherwise 0, and -1 where the first has a
-- session, and so stays where that is.
local function alone(keys, args)
  local pool = keys[1]
  local waiting, id = redis.call('LLEN', pool .. ':queue'), redis.call('LINDEX', pool .. ':queue', 0)
  if not id or not tonumber(id) then -- what else was put there is dropped when it is its turn
    return { OK, 0, 0, 0, 0 }
  end
  local found = redis.call('HMGET', pool .. ':account:' .. id, 'node', 'epoch')
  if redis.call('SCARD', pool .. ':sessions:' .. id) > 0 then
    return { OK, waiting, -1, 0, 0 }
  elseif found[1] ~= args[1] then
    return { OK, waiting, 0, 0, 0 }
  end
  return { OK, waiting, tonumber(id), tonumber(found[2]), waited(pool, id, now_ms()) }
end

-- Whether the account may move: it waits, without a session.
local function may_move(pool, id, account)
  return account.waiting == 'yes' and account.generation == generation(pool)
    and redis.call('SCARD', pool .. ':sessions:' .. id) == 0
end

-- copy id epoch                                                                          (reads only)
-- What there is of an account that waits, to be given to admit. Returns {0, token, seq, acked, {field, value, ...},
-- {push, ...}}; {5} where it cannot move; or below zero. `token` is hashed.
local function copy(keys, args)
  local pool = keys[1]
  local id, epoch = unpack(args)
  local account, code = holds(pool, id, epoch)
  if not account then
    return { code }
  end
  local pushes = recorded(pool, id, '-')
  if not may_move(pool, id, account) or #pushes ~= redis.call('XLEN', pool .. ':inbox:' .. id) then
    return { NOT_ALLOWED }
  end
  local key = pool .. ':account:' .. id
  return { OK, redis.call('HGET', key, 'token'), account.seq, account.acked, redis.call('HGETALL', key), pushes }
end

-- admit id grace pushes push... field value...
-- An account of another pool is here from now on, away for `grace` ms. It takes the place of what was here of an
-- earlier attempt. Returns {0}; or {5} where the account lives here, or has lived since it was copied.
local function admit(keys, args)
  local pool = keys[1]
  local id, grace, pushes = args[1], args[2], tonumber(args[3])
  local key = pool .. ':account:' .. id
  local found = redis.call('HMGET', key, 'state', 'epoch')
  if found[1] == 'online' or redis.call('SCARD', pool .. ':sessions:' .. id) > 0 then
    return { NOT_ALLOWED }
  end
  for i = 4 + pushes, #args, 2 do
    if args[i] == 'epoch' and tonumber(args[i + 1]) < tonumber(found[2] or 0) then
      return { NOT_ALLOWED }
    end
  end
  erase(pool, id)
  for i = 4, 3 + pushes do
    redis.call('XADD', pool .. ':inbox:' .. id, string.match(args[i], '"seq":(%d+)}$') .. '-0', 'push', args[i])
  end
  for i = 4 + pushes, #args, 2 do
    redis.call('HSET', key, args[i], args[i + 1])
  end
  redis.call('HDEL', key, 'newest')
  redis.call('HSET', key, 'state', 'away', 'node', '', 'waiting', 'again', 'generation', generation(pool))
  redis.call('ZADD', pool .. ':away', int(now_ms() + grace), id)
  redis.call('HINCRBY', pool .. ':open', 'accounts', 1)
  return { OK }
end

-- depart id epoch seq acked pool
-- The account, which is as it was copied, lives in that other pool from now on. Returns {0}; {5} where it does not
-- wait any more, or is not as it was; or below zero.
local function depart(keys, args)
  local pool = keys[1]
  local id, epoch, seq, acked, to = unpack(args)
  local account, code = holds(pool, id, epoch)
  if not account then
    return { code }
  end
  if not may_move(pool, id, account) or account.seq ~= tonumber(seq) or account.acked ~= tonumber(acked) then
    return { NOT_ALLOWED }
  end
  erase(pool, id)
  know_moved(pool, id, to)
  return { OK }
end

-- keep {id pool}...
-- Accounts that were made in this pool live in those others: it stays known. Not of one that lives here: what is said
-- of it comes late. Returns {0}.
local function keep(keys, args)
  for i = 1, #args, 2 do
    if redis.call('HGET', keys[1] .. ':account:' .. args[i], 'state') ~= 'online' then
      know_moved(keys[1], args[i], args[i + 1])
    end
  end
  return { OK }
end

-- forget id
-- An account that has moved away from this pool has ended. Returns {0}.
local function forget(keys, args)
  redis.call('DEL', keys[1] .. ':moved:' .. args[1])
  return { OK }
end

-- Looking on, and the nodes -----------------------------------------------------------------------

-- pools count ms pool...
-- Asked of pool 0: a node opens accounts in the first `count` pools, and has seen that there is something in
-- these others. All of them are looked after by every node for so long. Returns {0, pool, ...}: all that are.
local function pools(keys, args)
  local key, now = keys[1] .. ':pools', now_ms()
  local ends = int(now + args[2])
  for pool = 0, args[1] - 1 do
    redis.call('ZADD', key, 'GT', ends, int(pool))
  end
  for i = 3, #args do
    redis.call('ZADD', key, 'GT', ends, args[i])
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', int(now))
  local result = { OK }
  for _, pool in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    result[#result + 1] = tonumber(pool)
  end
  return result
end

-- waiting count                                                                          (reads only)
-- Returns {0, id, ms, ...}: who has waited longest, and for how long; `count` of them at most.
local function waiting(keys, args)
  local pool = keys[1]
  local result, now = { OK }, now_ms()
  for _, id in ipairs(redis.call('LRANGE', pool .. ':queue', 0, args[1] - 1)) do
    if tonumber(id) then -- what else was put there is dropped when it is its turn
      result[#result + 1] = tonumber(id)
      result[#result + 1] = waited(pool, id, now)
    end
  end
  return result
end

-- overview                                                                               (reads only)
-- Returns {0, name, value, ...}: the pool's figures (see figures), and under "nodes" a list for each node
-- that is listed: its name, "lease" and the ms until its lease ends, "accounts" and how many it holds, and
-- what it says of itself.
local function overview(keys)
  local pool = keys[1]
  local now, nodes = now_ms(), {}
  local listed = redis.call('ZRANGE', pool .. ':nodes', 0, -1, 'WITHSCORES')
  for i = 1, #listed, 2 do
    local held = redis.call('SCARD', pool .. ':node:' .. listed[i])
    nodes[#nodes + 1] = { listed[i], 'lease', listed[i + 1] - now, 'accounts', held,
      unpack(redis.call('HGETALL', pool .. ':load:' .. listed[i])) }
  end
  local found = figures(pool)
  return { OK, 'accounts', found[1], 'away', found[2], 'sessions', found[3], 'waiting', found[4],
    'longest', found[5], 'nodes', nodes }
end

-- held node cursor                                                                      (reads only)
-- Returns {0, cursor, {id, epoch, ...}}: some of the accounts that are said to have their socket on the
-- node. Called again with the cursor it comes to all of them, until the cursor is 0, which it begins with.
local function held(keys, args)
  local pool = keys[1]
  local node, cursor = unpack(args)
  local found = redis.call('SSCAN', pool .. ':node:' .. node, cursor, 'COUNT', BATCH)
  local accounts = {}
  for _, id in ipairs(found[2]) do
    local epoch = redis.call('HGET', pool .. ':account:' .. id, 'epoch')
    if epoch then
      accounts[#accounts + 1] = tonumber(id)
      accounts[#accounts + 1] = tonumber(epoch)
    end
  end
  return { OK, tonumber(found[1]), accounts }
end

-- begin run seen before
-- A node has connected to the server's process `run` ("" where it is not known); `seen` is the generation
-- that it was answered the last time, 0 at first. A generation, which is a time, begins with a process that
-- this data set does not know, and where the node has seen a later one: something may be lost. Numbers
-- of accounts and sessions that may have been given before are passed over too. Not where the process `before`, if
-- it is not "", has handed the pool over to this one, as a cluster does that moves a slot: nothing is lost then.
-- Returns {0, generation}.
local function begin(keys, args)
  local pool, key = keys[1], keys[1] .. ':last'
  local run, seen, before = unpack(args)
  local found = redis.call('HMGET', key, 'run', 'generation')
  local known = tonumber(found[2] or 0)
  generations[pool], marks[pool] = nil, nil -- the pool may have been elsewhere since it was read
  if run ~= '' and before and before ~= '' and found[1] == before and tonumber(seen) <= known then
    redis.call('HSET', key, 'run', run)
  elseif (run ~= '' and found[1] ~= run) or tonumber(seen) > known then
    generations[pool] = int(math.max(known + 1, tonumber(seen) + 1, now_ms()))
    redis.call('HSET', key, 'run', run, 'generation', generations[pool])
    if found[2] then
      redis.call('HINCRBY', key, 'account', PASSED_OVER)
      redis.call('HINCRBY', key, 'session', PASSED_OVER)
    end
  end
  return { OK, tonumber(generation(pool)) }
end

-- lease node ms last {field value}...
-- The node lives for another `ms`; with 0 it is leaving, and what it still holds is swept at once. `last`
-- is what it was answered the last time, 0 at first. The fields are what it says of itself, for those who
-- look on.
-- Returns {0, kept, end, us, {accounts, away, sessions, waiting, longest, nodes}}: kept is 0 where the pool did
-- not know that lease (any more), so that the node's accounts may have been swept; us is what time it is; and
-- the pool's figures (see figures).
local function lease(keys, args)
  local pool = keys[1]
  local node, ms, last = unpack(args)
  local kept = tonumber(redis.call('ZSCORE', pool .. ':nodes', node) or -1) == tonumber(last) and 1 or 0
  local now, load = now_us(), pool .. ':load:' .. node
  local ends = math.floor(now / 1000) + ms
  if ms == '0' and redis.call('SCARD', pool .. ':node:' .. node) == 0 then
    redis.call('ZREM', pool .. ':nodes', node)
  else
    redis.call('ZADD', pool .. ':nodes', int(ends), node)
  end
  if ms == '0' then
    redis.call('DEL', load)
  elseif #args > 3 then
    redis.call('HSET', load, unpack(args, 4))
    redis.call('PEXPIRE', load, ms)
  end
  return { OK, kept, ends, now, figures(pool) }
end

-- sweep batch grace room by
-- Accounts of nodes whose lease ran out become away, accounts whose grace time ran out end; at most
-- `batch` of each. Any node may call it at any time. After the time `by` it does nothing: a server that
-- stood still finds calls of before, and must not hold its own absence against the nodes.
-- Returns {0, made away, ended}: where one of them is `batch` there is more to do.
local function sweep(keys, args)
  local pool = keys[1]
  local batch, grace, room, by = unpack(args)
  local now = int(now_ms())
  local away = 0
  if tonumber(now) > tonumber(by) then
    return { OK, 0, 0 }
  end
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', pool .. ':nodes', '-inf', now, 'LIMIT', '0', batch)) do
    local accounts = redis.call('SRANDMEMBER', pool .. ':node:' .. node, int(batch - away))
    for _, id in ipairs(accounts) do
      if redis.call('EXISTS', pool .. ':account:' .. id) == 1 then
        make_away(pool, id, grace, room)
      else -- somebody else deleted it: by hand, or a policy of evicting that must not be set here
        redis.call('SREM', pool .. ':node:' .. node, id)
      end
    end
    away = away + #accounts
    if redis.call('SCARD', pool .. ':node:' .. node) == 0 then
      redis.call('ZREM', pool .. ':nodes', node)
    end
    if away >= tonumber(batch) then
      break
    end
  end
  local ended = redis.call('ZRANGEBYSCORE', pool .. ':away', '-inf', now, 'LIMIT', '0', batch)
  for _, id in ipairs(ended) do
    remove(pool, id)
  end
  return { OK, away, #ended }
end

-- What lets go of memory is done also where there is none left, or nothing would ever become free.
local FREEING = { 'allow-oom' }
local READING = { 'no-writes' }

local function register(name, callback, flags)
  redis.register_function({ function_name = 'chat_1_' .. name, callback = callback, flags = flags })
end

register('create', create, {})
register('attach', attach, FREEING)
register('detach', detach, FREEING)
register('match', match, {})
register('cancel', cancel, FREEING)
register('say', say, {})
register('viewed', viewed, {})
register('typing', typing, {})
register('leave', leave, FREEING)
register('ack', ack, FREEING)
register('resume', resume, FREEING)
register('admit', admit, {})
register('depart', depart, FREEING)
register('keep', keep, FREEING)
register('forget', forget, FREEING)
register('pools', pools, FREEING)
register('begin', begin, FREEING)
register('lease', lease, FREEING)
register('sweep', sweep, FREEING)
register('inbox', inbox, READING)
register('held', held, READING)
register('alone', alone, READING)
register('copy', copy, READING)
register('waiting', waiting, READING)
register('overview', overview, READING)
