# The wrong person answers and cannot log in. They are not called again, whatever the budget.
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
> DialEnded attempt=1 lease=1 connected=yes
= answered attempt 1/3 on tty 66, committed
  StopTimer dial deadline gen=4
  ArmTimer login deadline gen=5
  StartSession attempt=1 lease=1
> NotAdmitted attempt=1 cause="login refused"
= failed attempt 1/3, committed
  StopTimer login deadline gen=5
  HangUp attempt=1 lease=1
  ReleaseLease 1
  StopTimer lifetime gen=1
  End failed: "login refused"
> CallEnded attempt=1
= refused
