# An operator cancels it at another node.
> Promise id=cb1 max=2
= promised attempt 0/2, committed
  ArmTimer lifetime gen=1
  ArmTimer hang-up deadline gen=2
  Tell
> HungUp
= leasing attempt 0/2, committed
  StopTimer hang-up deadline gen=2
  Acquire
> EndedElsewhere outcome=cancelled cause="by op"
= cancelled attempt 0/2, committed
  StopAcquire
  StopTimer lifetime gen=1
  End cancelled: "by op"
> Leased lease=1 tty=66
= cancelled attempt 0/2
  ReleaseLease 1
