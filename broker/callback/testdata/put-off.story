# A CoA delays the dial: while a line is requested, while the wait runs, and after the wait during the recheck. The delay survives a restart,
# is never shortened, and is refused when the dial has begun.
> Promise id=cb1
= promised attempt 0/1, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/1, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Delay until=60000000000 by="CoA of 10.0.0.1"
= leasing attempt 0/1, committed
  Audit "delayed until 1970-01-01T00:01:00Z by CoA of 10.0.0.1"
> Delay until=50000000000 by="CoA of 10.0.0.1"
= refused
> Leased lease=1 tty=66
= waiting attempt 0/1 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> Delay until=70000000000 by="CoA of 10.0.0.1"
= waiting attempt 0/1 on tty 66, committed
  Audit "delayed until 1970-01-01T00:01:10Z by CoA of 10.0.0.1"
  StopTimer wait gen=3
  ArmTimer wait gen=4
> OffHookEnded lease=1
= waiting attempt 0/1 on tty 66
> TimerFired kind=wait gen=4
= waiting attempt 0/1 on tty 66
  Recheck gen=4
> Delay until=80000000000
= waiting attempt 0/1 on tty 66, committed
  Audit "delayed until 1970-01-01T00:01:20Z by an unnamed operator"
  ArmTimer wait gen=5
> DenialRechecked gen=4
= refused
> Restarted
= leasing attempt 0/1, committed
  ArmTimer lifetime gen=6
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/1 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=7 full
> OffHookEnded lease=1
= waiting attempt 0/1 on tty 66
> TimerFired kind=wait gen=7
= waiting attempt 0/1 on tty 66
  Recheck gen=7
> DenialRechecked gen=7
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=8
  Dial attempt=1 lease=1
> Delay until=90000000000 by="CoA of 10.0.0.1"
= refused
