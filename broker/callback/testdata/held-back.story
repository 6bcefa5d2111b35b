# A budget of one. A call comes in just before the dial: the dial command is held back, and the attempt does not count.
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
# Its end comes a second time.
> DialEnded attempt=1 lease=1 outcome=glare held-back=yes
= refused
> TimerFired kind="line retry" gen=5
= leasing attempt 1/1
  Acquire
> Leased lease=2 tty=67
= waiting attempt 1/1 on tty 67, committed
  OffHook lease=2
  ArmTimer wait gen=6
# There is no retry wait, because there was no attempt.
> TimerFired kind=wait gen=6
= waiting attempt 1/1 on tty 67
  ArmTimer off-hook deadline gen=7
> OffHookEnded lease=2
= waiting attempt 1/1 on tty 67
  StopTimer off-hook deadline gen=7
  Recheck gen=7
> DenialRechecked gen=7
= dialing attempt 1/1 on tty 67, committed
  ArmTimer dial deadline gen=8
  Dial attempt=1 lease=2 again
# The end of the first dial is not mistaken for that of the second.
> DialEnded attempt=1 lease=1 connected=yes
= refused
> DialEnded attempt=1 lease=2 outcome=busy
= failed attempt 1/1, committed
  StopTimer dial deadline gen=8
  ReleaseLease 2
  StopTimer lifetime gen=1
  End failed: "busy"
