# The other nodes ended it, because this one was silent for long during an attempt.
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
> DialEnded attempt=1 lease=1 connected=yes
= answered attempt 1/2 on tty 66, committed
  StopTimer dial deadline gen=4
  ArmTimer login deadline gen=5
  StartSession attempt=1 lease=1
> EndedElsewhere outcome=failed cause="its node was lost during an attempt"
= answered attempt 1/2 on tty 66, will be failed, committed
  HangUp attempt=1 lease=1
  ArmTimer grace gen=6
> Taken by=lyon-2
= refused
> Admitted attempt=1
= refused
> Restarted
= failed attempt 1/2, committed
  End failed: "its node was lost during an attempt"
