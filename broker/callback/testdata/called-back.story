# Everything goes well.
> Promise id=cb1
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
> DialEnded attempt=1 lease=1 connected=yes
= answered attempt 1/1 on tty 66, committed
  StopTimer dial deadline gen=4
  ArmTimer login deadline gen=5
  StartSession attempt=1 lease=1
> Admitted attempt=1
= completed attempt 1/1 on tty 66, committed
  StopTimer login deadline gen=5
  StopTimer lifetime gen=1
  End completed: ""
# The line is kept until the call is over.
> CallEnded attempt=1 cause="user hung up"
= completed attempt 1/1
  ReleaseLease 1
