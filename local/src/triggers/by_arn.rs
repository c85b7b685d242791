//! Calls the function that a pool's `LambdaConfig` names: ours, by their made-up ARNs, in this process, and any other one by
//! Lambda's Invoke API, where there is an address for it.

use std::future::ready;
use std::sync::Arc;

use serde_json::Value;

use crate::triggers::lambda::LambdaFunctions;
use crate::triggers::{Trigger, TriggerFailure, TriggerFuture, Triggers, own_function};

/// Our functions, and all others.
pub struct ByArn {
    own: Arc<dyn Triggers>,
    elsewhere: Option<LambdaFunctions>,
}

impl ByArn {
    /// `own` has the ARNs of [`own_function`]; without `elsewhere`, no other function is called.
    pub fn new(own: Arc<dyn Triggers>, elsewhere: Option<LambdaFunctions>) -> Self {
        Self { own, elsewhere }
    }
}

impl Triggers for ByArn {
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        self.own.call(trigger, event)
    }

    fn call_function(&self, arn: String, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        // It may be attached to another trigger than its own; then it refuses the event.
        let own = Trigger::ALL.into_iter().find(|own| own_function(*own) == arn);
        match (own, &self.elsewhere) {
            (Some(own), _) => self.own.call(own, event),
            (None, Some(functions)) => functions.call_function(arn, trigger, event),
            (None, None) => {
                let reason =
                    format!("{arn} is not a function of the local pool, and --lambda-endpoint names no other place");
                Box::pin(ready(Err(TriggerFailure::NotCalled(reason))))
            }
        }
    }
}
