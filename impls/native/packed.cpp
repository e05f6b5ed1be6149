// Makes a packed convolution of the kind that a plan names.
#include "packed.hpp"

#include "convolution.hpp"
#include "depthwise.hpp"
#include "masked_depthwise.hpp"
#include "winograd.hpp"

namespace featherbench {

std::unique_ptr<Packed> packed(const Setting& setting, const float* weight, const float* bias) {
    const Plan::Kind kind = setting.plan.kind;
    if (kind == Plan::Kind::depthwise) return std::make_unique<Depthwise>(setting, weight, bias);
    if (kind == Plan::Kind::winograd) return std::make_unique<Winograd>(setting, weight, bias);
    if (kind == Plan::Kind::rows_inplace && setting.geometry.channels() == 1) {
        return std::make_unique<MaskedDepthwise>(setting, weight, bias);
    }
    return std::make_unique<Convolution>(setting, weight, bias);
}

}  // namespace featherbench
