# The process stops during the wait. The next one waits in full.
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
> Restarted
= leasing attempt 0/1, committed
  ArmTimer lifetime gen=4
  Acquire
> TimerFired kind=wait gen=3
= refused
> Leased lease=1 tty=67
= waiting attempt 0/1 on tty 67, committed
  OffHook lease=1
  ArmTimer wait gen=5 full
> TimerFired kind=wait gen=5
= waiting attempt 0/1 on tty 67
  ArmTimer off-hook deadline gen=6
> OffHookEnded lease=1
= waiting attempt 0/1 on tty 67
  StopTimer off-hook deadline gen=6
  Recheck gen=6
> DenialRechecked gen=6
= dialing attempt 1/1 on tty 67, committed
  ArmTimer dial deadline gen=7
  Dial attempt=1 lease=1
> Restarted
= failed attempt 1/1, committed
  Audit "attempt 1 was interrupted by a restart and counts as made"
  End failed: "interrupted by restart"
