# The lifetime ends while the dial command is held back; and after a restart an attempt that may have been dialed counts.
> Promise id=cb1 max=1
= promised attempt 0/1, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/1, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/1 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> OffHookEnded lease=1
= waiting attempt 0/1 on tty 66
> TimerFired kind=wait gen=3
= waiting attempt 0/1 on tty 66
  Recheck gen=3
> DenialRechecked gen=3
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=4
  Dial attempt=1 lease=1
> DialEnded attempt=1 lease=1 outcome=glare held-back=yes
= leasing attempt 1/1, committed
  StopTimer dial deadline gen=4
  ReleaseLease 1
  ArmTimer line retry gen=5
> Restarted
= leasing attempt 1/1, committed
  ArmTimer lifetime gen=6
  Acquire
> Leased lease=2 tty=66
= waiting attempt 1/1 on tty 66, committed
  OffHook lease=2
  ArmTimer wait gen=7 full
> OffHookEnded lease=2
= waiting attempt 1/1 on tty 66
> TimerFired kind=wait gen=7
= waiting attempt 1/1 on tty 66
  Recheck gen=7
> DenialRechecked gen=7
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=8
  Dial attempt=1 lease=2 again
> TimerFired kind=lifetime gen=6
= dialing attempt 1/1 on tty 66
> DialEnded attempt=1 lease=2 outcome=glare held-back=yes
= expired attempt 1/1, committed
  StopTimer dial deadline gen=8
  ReleaseLease 2
  End expired: "lifetime ended; last: glare"
