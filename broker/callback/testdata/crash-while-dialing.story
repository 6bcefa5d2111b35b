# The process stops when the dial command may have been sent. The only attempt counts: the telephone does not ring twice.
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
> Restarted
= failed attempt 1/1, committed
  Audit "attempt 1 was interrupted by a restart and counts as made"
  End failed: "interrupted by restart"
# Events for orders of the dead process are refused.
> DialEnded attempt=1 lease=1 connected=yes
= refused
> Restarted
= refused
