# Leg one's modem does not go on hook. The session has its time, then the broker hangs up, then another line is used.
> Promise id=cb1
= promised attempt 0/1, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> TimerFired kind="hang-up deadline" gen=2
= promised attempt 0/1
  HangUpCaller
  ArmTimer hang-up deadline gen=3
> TimerFired kind="hang-up deadline" gen=3
= leasing attempt 0/1, committed
  Audit "the called line could not be proven on hook: it did not hang up in time"
  Acquire
> NoLine cause="tty 65 is quarantined"
= leasing attempt 0/1
  ArmTimer line retry gen=4
> TimerFired kind="line retry" gen=4
= leasing attempt 0/1
  Acquire
> Leased lease=1 tty=66
= waiting attempt 0/1 on tty 66, committed
  OffHook lease=1
  ArmTimer wait gen=5
> LineLost lease=1 cause="port closed"
= leasing attempt 0/1, committed
  StopTimer wait gen=5
  ReleaseLease 1 unproven
  ArmTimer line retry gen=6
# An hour has gone by.
> TimerFired kind=lifetime gen=1
= expired attempt 0/1, committed
  StopTimer line retry gen=6
  End expired: "lifetime ended; last: port closed"
