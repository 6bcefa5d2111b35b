# A policy with a wait for a busy number, and no further attempt after a voice.
> Promise id=cb1 max=5
= promised attempt 0/5, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/5, committed
  StopTimer hang-up deadline gen=2
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/5 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=3
> OffHookEnded lease=1
= waiting attempt 0/5 on tty 66
> TimerFired kind=wait gen=3
= waiting attempt 0/5 on tty 66
  Recheck gen=3
> DenialRechecked gen=3
= dialing attempt 1/5 on tty 66, committed
  ArmTimer dial deadline gen=4
  Dial attempt=1 lease=1
> DialEnded attempt=1 lease=1 outcome=busy wait=2m
= waiting attempt 1/5 on tty 66, committed
  StopTimer dial deadline gen=4
  OffHook lease=1
  ArmTimer retry wait gen=5
> OffHookEnded lease=1
= waiting attempt 1/5 on tty 66
> TimerFired kind="retry wait" gen=5
= waiting attempt 1/5 on tty 66
  Recheck gen=5
> DenialRechecked gen=5
= dialing attempt 2/5 on tty 66, committed
  ArmTimer dial deadline gen=6
  Dial attempt=2 lease=1
# No octet of the dial command was sent: the wait for the cause of the attempt before stays.
> DialEnded attempt=2 lease=1 outcome=glare held-back=yes stop=yes
= leasing attempt 2/5, committed
  StopTimer dial deadline gen=6
  ReleaseLease 1
  ArmTimer line retry gen=7
> TimerFired kind="line retry" gen=7
= leasing attempt 2/5
  Acquire
> Leased lease=2 tty=67
= waiting attempt 2/5 on tty 67, committed
  OffHook lease=2
  ArmTimer retry wait gen=8
> OffHookEnded lease=2
= waiting attempt 2/5 on tty 67
> TimerFired kind="retry wait" gen=8
= waiting attempt 2/5 on tty 67
  Recheck gen=8
> DenialRechecked gen=8
= dialing attempt 2/5 on tty 67, committed
  ArmTimer dial deadline gen=9
  Dial attempt=2 lease=2 again
> DialEnded attempt=2 lease=2 outcome=voice stop=yes
= failed attempt 2/5, committed
  StopTimer dial deadline gen=9
  ReleaseLease 2
  StopTimer lifetime gen=1
  End failed: "voice"
