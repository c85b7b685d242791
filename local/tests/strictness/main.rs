//! What the user pool insists on, one test a rule. Each test's name is the sentence that it proves.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod app_clients;
#[cfg(test)]
mod attributes;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod cognito_mfa;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod http;
#[cfg(test)]
mod lambda;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod names;
#[cfg(test)]
mod password;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod test_bed;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod triggers;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod users;
