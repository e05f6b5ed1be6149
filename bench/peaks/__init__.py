"""What the hardware can do at best, measured once on each machine, and the roofline that it makes."""
