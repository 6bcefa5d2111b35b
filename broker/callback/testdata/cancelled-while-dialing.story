# An operator cancels it while the modem dials. It ends only when the line is down, whatever the result of the dial.
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
> Cancel by=root
= dialing attempt 1/3 on tty 66, will be cancelled, committed
  HangUp attempt=1 lease=1
  ArmTimer grace gen=5
> Cancel by=root
= refused
> DialEnded attempt=1 lease=1 connected=yes
= cancelled attempt 1/3, committed
  StopTimer grace gen=5
  HangUp attempt=1 lease=1
  ReleaseLease 1
  StopTimer lifetime gen=1
  End cancelled: "by root"
> TimerFired kind=grace gen=5
= refused
