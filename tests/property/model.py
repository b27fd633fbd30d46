"""What the function library should do, in plain Python: no keys, no streams, no clock.

Every method takes what the function of its name takes and returns the result expected of it.
Three things are not determined, so the model follows what is seen: the order in which the server goes
through the sessions of an account (``seen``: the sessions of the pushes that a call made, in their
order), which account of a dead node a sweep takes first, and the epochs (``epoch``: the new one).
"""

from tests.property.records import Account, Frame, Result, Session

OK, NO_DATA, NOT_ALLOWED, RATE_LIMITED, CLOSED = [0], [4], [5], [6], [7]
REPLACED, LOST, OLDER = [-1], [-2], [-3]
REMEMBERED = 64
PASSED_OVER = 1_000_000


class Model:
    """One pool."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.seen: list[int] = []
        self.epoch = 0
        self.accounts: dict[int, Account] = {}
        self.sessions: dict[int, Session] = {}
        self.queue: list[int] = []
        self.away: dict[int, float] = {}
        self.nodes: dict[str, float] = {}
        self.made = 0

    # commands

    def create(self, node: str, nick: str) -> Result:
        self.made += 1000
        self.accounts[self.made] = Account(self.made, nick, node, self.epoch)
        self.nodes.setdefault(node, float("inf"))
        return [0, self.made, self.epoch]

    def attach(self, account: int, right: bool, node: str, seq: int | None) -> Result:
        me = self.accounts.get(account)
        if me is None or not right:
            return NO_DATA
        recovered = int(seq is None or seq <= me.seq)
        if recovered:
            me.acknowledge(seq or 0)
        else:
            me.seq += PASSED_OVER
            me.hole = me.seq
        assert self.epoch > me.epoch
        me.node, me.epoch = node, self.epoch
        self.nodes.setdefault(node, float("inf"))
        if self.away.pop(account, None):
            for session in self._open(account):
                if account in session.told:
                    session.told.remove(account)
                    self._notice(session, "PartnerBack", account)
        if me.waiting == "again" and (paired := self._pair(me)):
            self._new_session(paired, me.id)
        if len(me.inbox) < me.seq - me.acked:
            recovered, me.hole = 0, me.seq
            me.acknowledge(me.inbox[0]["seq"] - 1 if me.inbox else me.seq)
        elif me.hole and (me.acked if seq is None else seq + 1) <= me.hole:
            recovered = 0
        else:
            me.hole = None
        partners = {s.id: self.accounts[s.partner(account)] for s in self._open(account)}
        sessions = {sid: (partner.id, partner.nick) for sid, partner in partners.items()}
        waiting = int(me.waiting == "yes")
        inbox = list(me.inbox)
        return [0, me.epoch, me.nick, recovered, waiting, sessions, me.acked, me.seq, inbox]

    def detach(self, account: int, epoch: int, acked: int, goodbye: bool) -> Result:
        if (code := self._lacks(account, epoch)) is not None:
            return code
        self.accounts[account].acknowledge(acked)
        if goodbye:
            self._remove(account)
        else:
            self._make_away(account)
        return OK

    def match(self, account: int, epoch: int, limit: int) -> Result:
        if (code := self._lacks(account, epoch)) is not None:
            return code
        me = self.accounts[account]
        newest = self.sessions.get(me.newest or 0)
        if newest and newest.left is None and not newest.requests:
            return self._met(newest, account)
        if me.waiting:
            return NO_DATA
        if len(me.sessions) >= limit:
            return NOT_ALLOWED
        if len(me.inbox) >= self.room:
            return RATE_LIMITED
        session = self._pair(me)
        return self._met(session, account) if session else NO_DATA

    def cancel(self, account: int, epoch: int) -> Result:
        if (code := self._lacks(account, epoch)) is not None:
            return code
        self._stop_waiting(self.accounts[account])
        return OK

    def say(
        self, account: int, epoch: int, sid: int, request: str, retry: bool, content: str
    ) -> Result:
        code = self._in_session(account, epoch, sid)
        if code == CLOSED:
            session = self.sessions[sid]
            if session.left not in (None, account) and not self._full(account):
                self._notice(session, "PartnerExit", session.left)
        if code != OK:
            return code
        session = self.sessions[sid]
        mine = [
            (msg, id_) for msg, (who, id_, _) in enumerate(session.requests, 1) if who == account
        ]
        again = [msg for msg, id_ in mine[-REMEMBERED:] if id_ == request]
        if retry and again:
            return [0, again[0]]
        partner = self.accounts[session.partner(account)]
        if self._full(partner.id):
            return RATE_LIMITED
        msg = len(session.requests) + 1
        fields = {"msgId": msg, "senderId": account, "sessionId": sid, "content": content}
        partner.push("PUSH_DIALOGUE_REQ", **fields)
        session.requests.append((account, request, partner.seq))
        return [0, msg]

    def viewed(self, account: int, epoch: int, sid: int, msg: int) -> Result:
        if (code := self._in_session(account, epoch, sid)) != OK:
            return code
        session = self.sessions[sid]
        if msg > len(session.requests):
            return NO_DATA
        sender, _, seq = session.requests[msg - 1]
        if sender != account:
            self.accounts[account].acknowledge(seq)
        if msg <= session.viewed.get(account, 0):
            return OK
        partner = self.accounts[session.partner(account)]
        if self._full(partner.id):
            return RATE_LIMITED
        session.viewed[account] = msg
        partner.push("PUSH_VIEWED_ACK_REQ", sessionId=sid, accountId=account, msgId=msg)
        return OK

    def typing(self, account: int, epoch: int, sid: int) -> Result:
        return self._in_session(account, epoch, sid)

    def leave(self, account: int, epoch: int, sid: int) -> Result:
        if (code := self._in_session(account, epoch, sid)) == OK:
            self._end(self.sessions[sid], account)
        return code

    def ack(self, account: int, epoch: int, seq: int) -> Result:
        if self._lacks(account, epoch) is None:
            self.accounts[account].acknowledge(seq)
        return OK

    def inbox(self, account: int, epoch: int, after: int) -> Result:
        if (code := self._lacks(account, epoch)) is not None:
            return code
        me = self.accounts[account]
        return [0, me.seq, [frame for frame in me.inbox if frame["seq"] > after]]

    # nodes

    def lease(self, node: str, ms: int) -> Result:
        if ms:
            self.nodes[node] = float("inf")
        elif self.held(node):
            self.nodes[node] = 0
        else:
            self.nodes.pop(node, None)
        return [0, 0]  # never the lease that was asked for: that is told apart elsewhere

    def held(self, node: str) -> dict[int, int]:
        return {me.id: me.epoch for me in self.accounts.values() if me.node == node}

    def sweep(self, taken: int | None) -> Result:
        """A sweep in batches of one; ``taken`` is the account that it made away, if any."""
        dead = sorted((end, node) for node, end in self.nodes.items() if end < float("inf"))[:1]
        for _, node in dead:
            assert (taken is None) == (not self.held(node))
            if taken is not None:
                assert taken in self.held(node)
                self._make_away(taken)
            if not self.held(node):
                del self.nodes[node]
        over = sorted((end, str(id_)) for id_, end in self.away.items() if end < float("inf"))[:1]
        for _, account in over:
            self._remove(int(account))
        return [0, int(bool(dead) and taken is not None), len(over)]

    # what they have in common

    def _lacks(self, account: int, epoch: int) -> Result | None:
        me = self.accounts.get(account)
        if me and me.epoch != epoch:
            return REPLACED if me.epoch > epoch else OLDER
        return None if me and me.node else LOST

    def _in_session(self, account: int, epoch: int, sid: int) -> Result:
        if (code := self._lacks(account, epoch)) is not None:
            return code
        session = self.sessions.get(sid)
        if session is None or account not in (session.a, session.b):
            return NO_DATA
        self.accounts[account].acknowledge(session.opened.get(account, 0))
        return OK if session.left is None else CLOSED

    def _full(self, account: int) -> bool:
        return len(self.accounts[account].inbox) >= self.room

    def _open(self, account: int) -> list[Session]:
        mine = self.accounts[account].sessions
        ordered = dict.fromkeys([*self.seen, *sorted(mine)])
        return [self.sessions[sid] for sid in ordered if sid in mine]

    def _pair(self, me: Account) -> Session | None:
        others = [id_ for id_ in self.queue if id_ != me.id]
        strangers = [id_ for id_ in others if id_ != me.partner]
        if not others:
            self.queue.append(me.id)
            me.waiting = "yes"
            return None
        partner = self.accounts[(strangers or others)[0]]
        session = Session(1000 * (len(self.sessions) + 1), me.id, partner.id, {})
        self.sessions[session.id] = session
        for one, other in (me, partner), (partner, me):
            self._stop_waiting(one)
            one.sessions.add(session.id)
            one.newest, one.partner = session.id, other.id
        self._new_session(session, partner.id)
        return session

    def _new_session(self, session: Session, receiver: int) -> None:
        partner = self.accounts[session.partner(receiver)]
        data = {"accountId": partner.id, "nickName": partner.nick}
        self._signal(session, receiver, partner.id, "NewSession", data)
        session.opened[receiver] = self.accounts[receiver].seq

    def _met(self, session: Session, account: int) -> Result:
        partner = self.accounts[session.partner(account)]
        return [0, session.id, partner.id, partner.nick]

    def _stop_waiting(self, me: Account) -> None:
        me.waiting = None
        if me.id in self.queue:
            self.queue.remove(me.id)

    def _notice(self, session: Session, kind: str, about: int | None) -> None:
        """A signal to the partner of ``about``."""
        assert about is not None
        self._signal(session, session.partner(about), 0, kind, {"accountId": about})

    def _signal(self, session: Session, receiver: int, sender: int, kind: str, data: Frame) -> None:
        self.accounts[receiver].push(
            "PUSH_SIGNAL_REQ", senderId=sender, sessionId=session.id, receiverId=receiver,
            signalType=kind, data=data,
        )  # fmt: skip

    def _end(self, session: Session, leaver: int) -> None:
        session.left = leaver
        for account in session.a, session.b:
            self.accounts[account].sessions.discard(session.id)
        self._notice(session, "PartnerExit", leaver)

    def _make_away(self, account: int) -> None:
        me = self.accounts[account]
        waiting, me.node = me.waiting, None
        self._stop_waiting(me)
        me.waiting = "again" if waiting else None
        self.away[account] = float("inf")
        for session in self._open(account):
            if not self._full(session.partner(account)):
                session.told.add(account)
                self._notice(session, "PartnerAway", account)

    def _remove(self, account: int) -> None:
        for session in self._open(account):
            self._end(session, account)
        self._stop_waiting(self.accounts[account])
        self.away.pop(account, None)
        del self.accounts[account]
