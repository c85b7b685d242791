//! The service: all user pools, and which of them a call is for.
//!
//! A pool is named by `UserPoolId`, by an app client's id, by the issuer of an access token, or by a session string. The one that is
//! there at the start needs none of `CreateUserPool` and its kin.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use crate::data_file::DataFile;
use crate::error::CognitoError;
use crate::model::check;
use crate::operations::user_pools::{description, mfa_configuration};
use crate::page::page;
use crate::pool::Pool;
use crate::random;
use crate::request::Request;
use crate::request_limit::RequestLimit;
use crate::settings::PoolSettings;
use crate::state::configuration::check_tags;
use crate::state::message::Message;
use crate::triggers::in_process::InProcess;

/// All pools.
pub struct Service {
    pools: Mutex<BTreeMap<String, Arc<Pool>>>,
    /// The pool that was there at the start.
    first: Arc<Pool>,
    data_file: Option<DataFile>,
    request_limit: Option<RequestLimit>,
    /// Our functions, where they run in this process.
    functions: Option<Arc<InProcess>>,
    /// Makes another pool.
    make: Box<dyn Fn(PoolSettings) -> Result<Pool, CognitoError> + Send + Sync>,
}

impl Service {
    /// With one pool. `make` makes the others, with the same triggers and the same clock.
    pub fn new(
        first: Arc<Pool>,
        make: impl Fn(PoolSettings) -> Result<Pool, CognitoError> + Send + Sync + 'static,
    ) -> Self {
        let pools = BTreeMap::from([(first.settings.user_pool_id.clone(), Arc::clone(&first))]);
        Self {
            pools: Mutex::new(pools),
            first,
            data_file: None,
            request_limit: None,
            functions: None,
            make: Box::new(make),
        }
    }

    /// The same with these pools, too.
    #[must_use]
    pub(crate) fn with_pools(self, others: Vec<Pool>) -> Self {
        self.pools().extend(others.into_iter().map(|pool| (pool.settings.user_pool_id.clone(), Arc::new(pool))));
        self
    }

    /// The same, kept in a file, which must be writable now.
    pub(crate) fn kept_in(mut self, data_file: DataFile) -> Result<Self, String> {
        data_file.save_or_fail(&|| self.all_pools())?;
        self.data_file = Some(data_file);
        Ok(self)
    }

    /// The same, where only so many calls a second are answered.
    #[must_use]
    pub fn limited_to(mut self, requests_per_second: NonZeroU32) -> Self {
        self.request_limit = Some(RequestLimit::new(requests_per_second));
        self
    }

    /// The same, and in addition the other services of AWS, over the records of our functions.
    #[must_use]
    pub fn with_functions(mut self, functions: Arc<InProcess>) -> Self {
        self.functions = Some(functions);
        self
    }

    /// Our functions, where they run in this process.
    pub(crate) fn functions(&self) -> Option<&InProcess> {
        self.functions.as_deref()
    }

    /// When everything was made that is there from the start.
    pub(crate) fn started_at(&self) -> UnixTime {
        self.first.state().configuration.created_at()
    }

    /// The pools whose `LambdaConfig` names a function: their ids and ARNs.
    pub(crate) fn pools_that_call(&self, function: &str) -> Vec<(String, String)> {
        let pools = self.pools();
        let calls = |pool: &&Arc<Pool>| pool.state().configuration.functions().values().any(|arn| arn == function);
        pools.values().filter(calls).map(|pool| (pool.settings.user_pool_id.clone(), pool.arn())).collect()
    }

    /// The pool that was there at the start.
    pub(crate) fn first(&self) -> &Pool {
        &self.first
    }

    /// A pool by its id.
    pub fn pool(&self, user_pool_id: &str) -> Option<Arc<Pool>> {
        self.pools().get(user_pool_id).cloned()
    }

    /// Everything that was sent to users, pool by pool, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.pools().values().flat_map(|pool| pool.messages()).collect()
    }

    /// Calls one API operation in `region`: takes the request as JSON and returns the response as JSON.
    pub async fn call(&self, region: &str, operation: &str, body: Value) -> Result<Value, CognitoError> {
        if let Some(limit) = &self.request_limit {
            limit.count(self.first.now())?;
        }
        let answer = self.answer(region, operation, body).await;
        // A call that was refused may have changed something, too: a wrong password was counted.
        self.save();
        answer
    }

    /// Writes what has changed to the data file, where there is one.
    pub(crate) fn save(&self) {
        if let Some(file) = &self.data_file {
            file.save(&|| self.all_pools());
        }
    }

    async fn answer(&self, region: &str, operation: &str, body: Value) -> Result<Value, CognitoError> {
        match operation {
            "CreateUserPool" => self.create_user_pool(region, &checked(operation, body)?),
            "ListUserPools" => self.list_user_pools(region, &checked(operation, body)?),
            "DeleteUserPool" => self.delete_user_pool(&checked(operation, body)?),
            _ => self.pool_of(&body).call(operation, body).await,
        }
    }

    /// Which pool a call is for; the first where it says nothing, whose own checks then find what is wrong.
    fn pool_of(&self, body: &Value) -> Arc<Pool> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let pools = self.pools();
        let found = if let Some(id) = text("UserPoolId") {
            pools.get(id)
        } else if let Some(client_id) = text("ClientId") {
            pools.values().find(|pool| pool.has_client(client_id))
        } else if let Some(token) = text("AccessToken") {
            pools.values().find(|pool| pool.signing_key.verify(token).is_some())
        } else if let Some(domain) = text("Domain") {
            pools.values().find(|pool| pool.has_domain(domain))
        } else {
            text("Session").and_then(|session| pools.values().find(|pool| pool.has_session(session)))
        };
        found.map_or_else(|| Arc::clone(&self.first), Arc::clone)
    }

    fn create_user_pool(&self, region: &str, request: &Request) -> Result<Value, CognitoError> {
        check_tags(request)?;
        let mut user_pool = request.members();
        user_pool.entry("LambdaConfig").or_insert_with(|| json!({}));
        let user_pool_id = format!("{region}_{}", random::alphanumeric::<9>()?);
        let mfa_configuration = mfa_configuration(request)?;
        let settings = PoolSettings {
            region: region.to_owned(),
            user_pool_id: user_pool_id.clone(),
            endpoint: self.first.settings.endpoint.clone(),
            clients: Vec::new(),
            user_pool: Value::Object(user_pool),
            mfa_configuration,
            ..PoolSettings::default()
        };
        let pool = Arc::new((self.make)(settings)?);
        self.pools().insert(user_pool_id, Arc::clone(&pool));
        Ok(json!({ "UserPool": description(&pool) }))
    }

    fn list_user_pools(&self, region: &str, request: &Request) -> Result<Value, CognitoError> {
        if request.number("MaxResults")?.is_none() {
            return Err(CognitoError::missing_parameter("MaxResults"));
        }
        let pools = self.pools();
        let here = pools.values().filter(|pool| pool.settings.region == region);
        let summaries = here.map(|pool| pool.state().configuration.summary(&pool.settings.user_pool_id));
        page(request, "MaxResults", "NextToken", "UserPools", 60, summaries.collect())
    }

    fn delete_user_pool(&self, request: &Request) -> Result<Value, CognitoError> {
        let user_pool_id = request.required("UserPoolId")?;
        let mut pools = self.pools();
        let pool = pools
            .get(user_pool_id)
            .ok_or_else(|| CognitoError::resource_not_found(format!("User pool {user_pool_id} does not exist.")))?;
        if pool.state().configuration.is_protected() {
            return Err(CognitoError::invalid_parameter(
                "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
            ));
        }
        pools.remove(user_pool_id);
        Ok(Value::Object(Map::new()))
    }

    fn all_pools(&self) -> Vec<Arc<Pool>> {
        self.pools().values().cloned().collect()
    }

    fn pools(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn checked(operation: &str, body: Value) -> Result<Request, CognitoError> {
    let request = Request::parse(body)?;
    check(operation, &request)?;
    Ok(request)
}
