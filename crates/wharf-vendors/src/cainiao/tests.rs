//! Tests of the e-waybill connector.
