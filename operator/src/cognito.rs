//! Cognito's API as raw JSON.
//!
//! Invariant: what Cognito describes is sent back as it came. The SDK's own shapes would drop members that they do not know, and
//! an update returns what is left out to its default.
//! Source: <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPool.html>

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use crate::aws::{CallError, Cause, Services, failed};

/// Of a throttled call, each of which the SDK makes three times.
const ATTEMPTS: u32 = 6;

impl Services {
    /// Calls any operation of Cognito, and returns its answer as it is. A throttled call is repeated for about a minute: the
    /// management of a pool is limited to 5 calls a second, and somebody else may be at it.
    ///
    /// # Errors
    /// Cognito's, or its answer is not JSON.
    pub async fn cognito(&self, operation: &'static str, request: &Value) -> Result<Value, CallError> {
        let mut pause = self.first_pause;
        for _ in 1..ATTEMPTS {
            match self.cognito_once(operation, request).await {
                Err(error) if error.cause == Cause::Throttled => tokio::time::sleep(pause).await,
                answered => return answered,
            }
            pause = pause.saturating_mul(2);
        }
        self.cognito_once(operation, request).await
    }

    async fn cognito_once(&self, operation: &'static str, request: &Value) -> Result<Value, CallError> {
        let raw = Raw { operation, request: request.to_string(), answer: Arc::default() };
        let answer = Arc::clone(&raw.answer);
        // Signed, sent and repeated by the SDK. This operation's answer has no members, so that nothing of ours is parsed as one.
        let carrier = self.cognito.admin_user_global_sign_out().user_pool_id("-").username("-");
        carrier.customize().interceptor(raw).send().await.map_err(failed(operation))?;
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        serde_json::from_slice(&answer.unwrap_or_default()).map_err(|_| CallError {
            call: operation,
            cause: Cause::Other,
            reason: "the answer is not JSON".to_owned(),
        })
    }
}

/// Replaces the request of the operation that carries it, and keeps the answer.
#[derive(Debug)]
struct Raw {
    operation: &'static str,
    request: String,
    answer: Arc<Mutex<Option<Vec<u8>>>>,
}

#[dyn_dispatch_hint]
impl Intercept for Raw {
    fn name(&self) -> &'static str {
        "Raw"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let target = format!("AWSCognitoIdentityProviderService.{}", self.operation);
        request.headers_mut().insert("x-amz-target", target);
        request.headers_mut().insert("content-length", self.request.len().to_string());
        *request.body_mut() = SdkBody::from(self.request.clone());
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().map(<[u8]>::to_vec);
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = body;
        Ok(())
    }
}
