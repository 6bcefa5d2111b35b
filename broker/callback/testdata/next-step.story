# A plan of two dials of one number and one of another, from other lines. The first number cannot be dialed, so its second dial is passed over.
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
> DialEnded attempt=1 lease=1 outcome="no script" final=yes next=2 away=yes
= leasing attempt 1/3, committed
  StopTimer dial deadline gen=4
  ReleaseLease 1
  Acquire
# The wait before the next attempt begins when a line is leased.
> Leased lease=2 tty=67
= waiting attempt 1/3 on tty 67, committed
  OffHook lease=2
  ArmTimer retry wait gen=5
> OffHookEnded lease=2
= waiting attempt 1/3 on tty 67
> TimerFired kind="retry wait" gen=5
= waiting attempt 1/3 on tty 67
  Recheck gen=5
> DenialRechecked gen=5
= dialing attempt 2/3 on tty 67, committed
  ArmTimer dial deadline gen=6
  Dial attempt=2 lease=2 of=2
> DialEnded attempt=2 lease=2 outcome=busy
= failed attempt 2/3, committed
  StopTimer dial deadline gen=6
  ReleaseLease 2
  StopTimer lifetime gen=1
  End failed: "busy"
