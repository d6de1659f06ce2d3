//! Waybills: intent, purchase, doubt, look-up, void.
