//! The pages that gather something from all sections, one room each. All of it
//! stands in the sections already, so a new section adds itself.

pub mod python;
pub mod search;
pub mod speed;
pub mod troubles;
