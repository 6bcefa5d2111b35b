# A denial between the wait and the dial, and a lease that comes too late.
> Promise id=cb1
= promised attempt 0/1, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/1, committed
  StopTimer hang-up deadline gen=2
  Acquire
> DenialRechecked reason=lockdown
= failed attempt 0/1, committed
  StopAcquire
  StopTimer lifetime gen=1
  End failed: "lockdown"
> Leased lease=1 tty=66
= failed attempt 0/1
  ReleaseLease 1
