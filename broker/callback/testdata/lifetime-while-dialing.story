# The lifetime ends during an attempt: the attempt may succeed, but none follows.
> Promise id=cb1 max=2
= promised attempt 0/2, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/2, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/2 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> OffHookEnded lease=1
= waiting attempt 0/2 on tty 66
> TimerFired kind=wait gen=3
= waiting attempt 0/2 on tty 66
  Recheck gen=3
> DenialRechecked gen=3
= dialing attempt 1/2 on tty 66, committed
  ArmTimer dial deadline gen=4
  Dial attempt=1 lease=1
> TimerFired kind=lifetime gen=1
= dialing attempt 1/2 on tty 66
> DialEnded attempt=1 lease=1 outcome="no answer"
= expired attempt 1/2, committed
  StopTimer dial deadline gen=4
  ReleaseLease 1
  End expired: "lifetime ended; last: no answer"
