# Another node promised it and made one of two attempts; it is offered, and dialed here. Its wait runs in full.
> Claimed id=cb1 phase=leasing max=2 attempt=1 cause=busy
= leasing attempt 1/2, committed
  ArmTimer lifetime gen=1
  Acquire
> Claimed id=cb1 phase=leasing max=2 attempt=1
= refused
> Leased lease=1 tty=3
= waiting attempt 1/2 on tty 3, committed
  OffHook lease=1
  ArmTimer retry wait gen=2 full
> OffHookEnded lease=1
= waiting attempt 1/2 on tty 3
> TimerFired kind="retry wait" gen=2
= waiting attempt 1/2 on tty 3
  Recheck gen=2
# PostgreSQL is away: the attempt cannot be recorded. It does not count, and the line serves others meanwhile.
> NotNow gen=2 cause="the fleet's PostgreSQL cannot be reached"
= leasing attempt 1/2, committed
  ReleaseLease 1
  ArmTimer line retry gen=3
> DenialRechecked gen=2
= refused
> TimerFired kind="line retry" gen=3
= leasing attempt 1/2
  Acquire
> Leased lease=2 tty=4
= waiting attempt 1/2 on tty 4, committed
  OffHook lease=2
  ArmTimer retry wait gen=4 full
> OffHookEnded lease=2
= waiting attempt 1/2 on tty 4
> TimerFired kind="retry wait" gen=4
= waiting attempt 1/2 on tty 4
  Recheck gen=4
> DenialRechecked gen=4
= dialing attempt 2/2 on tty 4, committed
  ArmTimer dial deadline gen=5
  Dial attempt=2 lease=2
> DialEnded attempt=1 lease=1 connected=yes
= refused
> DialEnded attempt=2 lease=2 connected=yes
= answered attempt 2/2 on tty 4, committed
  StopTimer dial deadline gen=5
  ArmTimer login deadline gen=6
  StartSession attempt=2 lease=2
> Admitted attempt=2
= completed attempt 2/2 on tty 4, committed
  StopTimer login deadline gen=6
  StopTimer lifetime gen=1
  End completed: ""
> CallEnded attempt=2
= completed attempt 2/2
  ReleaseLease 2
