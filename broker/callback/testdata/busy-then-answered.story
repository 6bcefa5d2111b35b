# A budget of two: busy first. The line is kept for the second attempt.
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
> TimerFired kind=wait gen=3
= waiting attempt 0/2 on tty 66
  ArmTimer off-hook deadline gen=4
# The wait is over before the off-hook script.
> OffHookEnded lease=1 err="no OK"
= waiting attempt 0/2 on tty 66
  Audit "off-hook script on tty 66: no OK"
  StopTimer off-hook deadline gen=4
  Recheck gen=4
> DenialRechecked gen=4
= dialing attempt 1/2 on tty 66, committed
  ArmTimer dial deadline gen=5
  Dial attempt=1 lease=1
> DialEnded attempt=1 lease=1 outcome=busy
= waiting attempt 1/2 on tty 66, committed
  StopTimer dial deadline gen=5
  OffHook lease=1
  ArmTimer retry wait gen=6
# The end of the first attempt comes a second time.
> DialEnded attempt=1 lease=1 outcome=busy
= refused
> OffHookEnded lease=1
= waiting attempt 1/2 on tty 66
# An earlier timer.
> TimerFired kind=wait gen=3
= refused
> TimerFired kind="retry wait" gen=6
= waiting attempt 1/2 on tty 66
  Recheck gen=6
> DenialRechecked gen=6
= dialing attempt 2/2 on tty 66, committed
  ArmTimer dial deadline gen=7
  Dial attempt=2 lease=1
> DialEnded attempt=2 lease=1 connected=yes
= answered attempt 2/2 on tty 66, committed
  StopTimer dial deadline gen=7
  ArmTimer login deadline gen=8
  StartSession attempt=2 lease=1
> CallEnded attempt=2 cause="lost carrier"
= failed attempt 2/2, committed
  StopTimer login deadline gen=8
  ReleaseLease 1
  StopTimer lifetime gen=1
  End failed: "lost carrier"
