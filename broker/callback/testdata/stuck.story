# The dialer never returns. No further attempt is made meanwhile, and the line goes to quarantine.
> Promise id=cb1 max=3
= promised attempt 0/3, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/3, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/3 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> OffHookEnded lease=1
= waiting attempt 0/3 on tty 66
> TimerFired kind=wait gen=3
= waiting attempt 0/3 on tty 66
  Recheck gen=3
> DenialRechecked gen=3
= dialing attempt 1/3 on tty 66, committed
  ArmTimer dial deadline gen=4
  Dial attempt=1 lease=1
> TimerFired kind="dial deadline" gen=4
= dialing attempt 1/3 on tty 66
  HangUp attempt=1 lease=1
  ArmTimer grace gen=5
> TimerFired kind=grace gen=5
= failed attempt 1/3, committed
  ReleaseLease 1 unproven
  StopTimer lifetime gen=1
  End failed: "the dial did not end"
