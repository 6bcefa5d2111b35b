# A modem that is dead whenever it should dial. The sixth time the attempt counts.
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
> DialEnded attempt=1 lease=1 outcome="line lost" held-back=yes unproven=yes
= leasing attempt 1/1, committed
  StopTimer dial deadline gen=4
  ReleaseLease 1 unproven
  ArmTimer line retry gen=5
> TimerFired kind="line retry" gen=5
= leasing attempt 1/1
  Acquire
> Leased lease=2 tty=66
= waiting attempt 1/1 on tty 66, committed
  OffHook lease=2
  ArmTimer wait gen=6
> OffHookEnded lease=2
= waiting attempt 1/1 on tty 66
> TimerFired kind=wait gen=6
= waiting attempt 1/1 on tty 66
  Recheck gen=6
> DenialRechecked gen=6
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=7
  Dial attempt=1 lease=2 again
> DialEnded attempt=1 lease=2 outcome="line lost" held-back=yes unproven=yes
= leasing attempt 1/1, committed
  StopTimer dial deadline gen=7
  ReleaseLease 2 unproven
  ArmTimer line retry gen=8
> TimerFired kind="line retry" gen=8
= leasing attempt 1/1
  Acquire
> Leased lease=3 tty=66
= waiting attempt 1/1 on tty 66, committed
  OffHook lease=3
  ArmTimer wait gen=9
> OffHookEnded lease=3
= waiting attempt 1/1 on tty 66
> TimerFired kind=wait gen=9
= waiting attempt 1/1 on tty 66
  Recheck gen=9
> DenialRechecked gen=9
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=10
  Dial attempt=1 lease=3 again
> DialEnded attempt=1 lease=3 outcome="line lost" held-back=yes unproven=yes
= leasing attempt 1/1, committed
  StopTimer dial deadline gen=10
  ReleaseLease 3 unproven
  ArmTimer line retry gen=11
> TimerFired kind="line retry" gen=11
= leasing attempt 1/1
  Acquire
> Leased lease=4 tty=66
= waiting attempt 1/1 on tty 66, committed
  OffHook lease=4
  ArmTimer wait gen=12
> OffHookEnded lease=4
= waiting attempt 1/1 on tty 66
> TimerFired kind=wait gen=12
= waiting attempt 1/1 on tty 66
  Recheck gen=12
> DenialRechecked gen=12
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=13
  Dial attempt=1 lease=4 again
> DialEnded attempt=1 lease=4 outcome="line lost" held-back=yes unproven=yes
= leasing attempt 1/1, committed
  StopTimer dial deadline gen=13
  ReleaseLease 4 unproven
  ArmTimer line retry gen=14
> TimerFired kind="line retry" gen=14
= leasing attempt 1/1
  Acquire
> Leased lease=5 tty=66
= waiting attempt 1/1 on tty 66, committed
  OffHook lease=5
  ArmTimer wait gen=15
> OffHookEnded lease=5
= waiting attempt 1/1 on tty 66
> TimerFired kind=wait gen=15
= waiting attempt 1/1 on tty 66
  Recheck gen=15
> DenialRechecked gen=15
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=16
  Dial attempt=1 lease=5 again
> DialEnded attempt=1 lease=5 outcome="line lost" held-back=yes unproven=yes
= leasing attempt 1/1, committed
  StopTimer dial deadline gen=16
  ReleaseLease 5 unproven
  ArmTimer line retry gen=17
> TimerFired kind="line retry" gen=17
= leasing attempt 1/1
  Acquire
> Leased lease=6 tty=66
= waiting attempt 1/1 on tty 66, committed
  OffHook lease=6
  ArmTimer wait gen=18
> OffHookEnded lease=6
= waiting attempt 1/1 on tty 66
> TimerFired kind=wait gen=18
= waiting attempt 1/1 on tty 66
  Recheck gen=18
> DenialRechecked gen=18
= dialing attempt 1/1 on tty 66, committed
  ArmTimer dial deadline gen=19
  Dial attempt=1 lease=6 again
> DialEnded attempt=1 lease=6 outcome="line lost" held-back=yes unproven=yes
= failed attempt 1/1, committed
  StopTimer dial deadline gen=19
  ReleaseLease 6 unproven
  StopTimer lifetime gen=1
  End failed: "line lost"
