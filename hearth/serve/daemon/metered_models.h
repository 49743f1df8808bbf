// Counts what every answer cost in tokens, for metrics and for the quotas of keys, between the
// handlers and the models: neither of them knows. Requests are counted where they are let in
// (auth/gate.h).
#pragma once
#include <functional>
#include <string>

#include "hearth/serve/auth/usage_ledger.h"
#include "hearth/serve/metrics/serve_metrics.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

/// Where counts go; either may be null. They must outlive the service.
struct Meters {
  ServeMetrics* metrics = nullptr;
  UsageLedger* usage = nullptr;
};

class MeteredModels final : public ModelService {
 public:
  /// `models` must outlive this.
  MeteredModels(ModelService& models, const Meters& meters) : models_(models), meters_(meters) {}

  void submit(ModelCall call, OnTurn on_turn, OnError on_error) override;
  std::vector<LoadedModel> loaded() const override { return models_.loaded(); }
  bool unload(const std::string& model) override { return models_.unload(model); }

 private:
  ModelService& models_;
  Meters meters_;
};

}  // namespace hearth::serve
